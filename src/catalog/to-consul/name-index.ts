/** Which sources use which name in Consul, so that a clash is found by looking at one name. */
import { byText, indexed, type Instance } from '../../model/instance.ts';
import { ANNOTATION_PREFIX } from '../../model/kubernetes-names.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import { createGroups } from '../../support/groups.ts';
import { listed } from '../../support/listed.ts';

export type Clash = {
  /** As Consul compares it, in lower case. */
  readonly name: string;
  /** Two or more, in order. */
  readonly sources: readonly string[];
};

type NameIndex = {
  /**
   * Sets what a source has in Consul; without instances it is forgotten. Work is proportional to the names of this source.
   *
   * @returns the clashes that this source is in now
   */
  readonly set: (source: string, instances: readonly Instance[]) => readonly Clash[];
  /** All of them, in the order of their names. */
  readonly clashes: () => readonly Clash[];
};

export function createNameIndex(): NameIndex {
  const namesBySource = new Map<string, ReadonlySet<string>>();
  const sourcesByName = createGroups<true>();
  const clashOf = (name: string): Clash[] => {
    const sources = sourcesByName.of(name);
    return sources.size < 2 ? [] : [{ name, sources: [...sources.keys()].sort(byText) }];
  };
  return {
    set: (source, instances) => {
      const names = new Set(instances.map(({ name }) => indexed(name)));
      for (const name of namesBySource.get(source) ?? []) sourcesByName.remove(name, source);
      for (const name of names) sourcesByName.put(name, source, true);
      if (names.size > 0) namesBySource.set(source, names);
      else namesBySource.delete(source);
      return [...names].sort(byText).flatMap(clashOf);
    },
    clashes: () => [...sourcesByName.names()].sort(byText).flatMap(clashOf),
  };
}

/** Only default names have a suffix of the namespace, and it does not separate those of one namespace. */
export function suffixAdvice({ sources }: Clash): string {
  const namespaces = new Set(sources.map((source) => source.split('/')[1]));
  return namespaces.size < 2
    ? ''
    : '; --add-k8s-namespace-suffix does so for names that no annotation gives, in different namespaces';
}

/** What to say on one of the clashing Services. */
export function clashProblem(clash: Clash, source: string): ServiceProblem {
  const { name, sources } = clash;
  const others = sources.filter((each) => each !== source);
  return {
    reason: 'name-clash',
    at: `${ANNOTATION_PREFIX}service-name`,
    message: `${JSON.stringify(name)} is the name of ${listed(others, 1) || 'another source'} too, and Consul answers with the instances of all; give one another name by this annotation${suffixAdvice(clash)}`,
  };
}
