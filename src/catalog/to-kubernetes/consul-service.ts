/** Consul's services as this direction reads them. */

export type ConsulInstance = {
  /** Of the instance, else of its node: an IP address or a host name. */
  readonly address: string;
  /** 0: none. */
  readonly port: number;
  readonly zone: string | undefined;
  /** By all checks of the instance and of its node; `HealthRule` says which states are left out. */
  readonly isHealthy: boolean;
};

/** One whole read of the list of services. */
export type ConsulList = {
  /** Name → all tags of its instances; neither proxies nor gateways. */
  readonly services: ReadonlyMap<string, readonly string[]>;
  /** Names for which the operator's filter holds; undefined without a filter. */
  readonly filtered: ReadonlySet<string> | undefined;
  /** Names of which this cluster registered an instance. */
  readonly own: ReadonlySet<string>;
};

/** Undefined while the instances of a service are not known: then nothing is concluded about it. */
export type ConsulHealth = (name: string) => readonly ConsulInstance[] | undefined;
