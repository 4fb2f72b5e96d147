/** A DNS question and the catalog → the records of the answer, as Consul 1.20 gives them. */
import type { Answer } from 'dns-packet';
import { isIpAddress } from '../../src/support/ip-address.ts';
import { instances, type Catalog, type CatalogNode, type Instance } from './catalog.ts';
import { addressName, lookupOf } from './dns-name.ts';

/** Of a question only this matters; the class is always IN. */
type DnsQuestion = { readonly name: string; readonly type: string };

export type DnsAnswer = {
  readonly code: 'NOERROR' | 'NXDOMAIN' | 'REFUSED' | 'SERVFAIL';
  readonly answers: readonly Answer[];
  readonly additionals: readonly Answer[];
  readonly authorities: readonly Answer[];
};

// Consul's own: nothing is kept (dns_config.service_ttl is empty, node_ttl 0), and its SOA (dns_config.soa).
const TTL = 0;
const SOA = { refresh: 3600, retry: 600, expire: 86_400, minimum: 0 };

const REFUSED: DnsAnswer = { code: 'REFUSED', answers: [], additionals: [], authorities: [] };

/** @param domain such as `consul` */
export function answerDns(catalog: Catalog, domain: string, question: DnsQuestion): DnsAnswer {
  const lookup = lookupOf(question.name, domain, catalog.datacenter);
  switch (lookup.kind) {
    case 'foreign':
      return REFUSED;
    case 'apex':
      return question.type === 'SOA' ? found([soa(catalog, domain)]) : missing(catalog, domain);
    case 'nothing':
      return missing(catalog, domain);
    case 'address':
      return answerAddress(question, lookup.address);
    case 'node':
      return isHere(catalog, lookup.datacenter)
        ? answerNode(catalog, domain, question, lookup.name)
        : missing(catalog, domain);
    case 'service':
      return isHere(catalog, lookup.datacenter)
        ? answerService(catalog, domain, question, lookup)
        : missing(catalog, domain);
  }
}

function isHere(catalog: Catalog, datacenter: string): boolean {
  return catalog.datacenter.toLowerCase() === datacenter;
}

function answerAddress(question: DnsQuestion, address: string): DnsAnswer {
  const records = addressRecords(question.name, address);
  const matching = records.filter(({ type }) => type === question.type || question.type === 'ANY');
  return matching.length > 0 ? found(matching) : found([], records);
}

function answerNode(catalog: Catalog, domain: string, question: DnsQuestion, name: string): DnsAnswer {
  const node = [...catalog.nodes.values()].find((record) => record.node.Node.toLowerCase() === name)?.node;
  if (node === undefined) return missing(catalog, domain);
  const addresses = addressRecords(question.name, node.Address);
  const texts = metaRecords(question.name, node);
  if (question.type === 'ANY') return found([...addresses, ...texts]);
  if (question.type === 'TXT') return found(texts);
  if (question.type !== 'A' && question.type !== 'AAAA') return found([]);
  return found(
    addresses.filter(({ type }) => isAnswerTo(question, type)),
    texts,
  );
}

function answerService(
  catalog: Catalog,
  domain: string,
  question: DnsQuestion,
  { name, tag }: { readonly name: string; readonly tag: string },
): DnsAnswer {
  const serving = instances(catalog, name).filter(
    (instance) => isServing(instance) && (tag === '' || hasTag(instance, tag)),
  );
  if (serving.length === 0) return missing(catalog, domain);
  const result =
    question.type === 'SRV'
      ? serviceRecords(catalog, domain, question, serving)
      : found(unique(serving.flatMap((instance) => addressesFor(question, instance))));
  return result.answers.length > 0 ? result : { ...result, authorities: [soa(catalog, domain)] };
}

/** An instance is out only when a check of it or of its node is critical (dns_config.only_passing is off). */
function isServing({ checks }: Instance): boolean {
  return checks.every(({ Status }) => Status !== 'critical');
}

function hasTag({ service }: Instance, tag: string): boolean {
  return service.Tags.some((own) => own.toLowerCase() === tag);
}

function addressOf({ node, service }: Instance): string {
  return service.Address || node.Address;
}

// A question for TXT at a service gets its addresses, in Consul 1.20 too.
function addressesFor(question: DnsQuestion, instance: Instance): readonly Answer[] {
  const records = addressRecords(question.name, addressOf(instance));
  return records.filter(({ type }) => isAnswerTo(question, type) || /^(?:ANY|TXT)$/.test(question.type));
}

function isAnswerTo(question: DnsQuestion, type: string): boolean {
  return type === question.type || (type === 'CNAME' && /^(?:A|AAAA|ANY)$/.test(question.type));
}

function serviceRecords(
  catalog: Catalog,
  domain: string,
  question: DnsQuestion,
  serving: readonly Instance[],
): DnsAnswer {
  const targets = serving.map((instance) => {
    const { target, additionals } = targetOf(catalog, domain, instance);
    const isWarning = instance.checks.some(({ Status }) => Status === 'warning');
    const { Passing, Warning } = instance.service.Weights;
    const weight = isWarning ? Warning : Passing;
    const data = { priority: 1, weight, port: instance.service.Port ?? 0, target };
    const answer: Answer = { type: 'SRV', name: question.name, ttl: TTL, data };
    return { answer, additionals };
  });
  return found(
    targets.map(({ answer }) => answer),
    unique(targets.flatMap(({ additionals }) => additionals)),
  );
}

/** The node when the service has no address, the address as a name when it has one, and a host name as it is. */
function targetOf(
  { datacenter }: Catalog,
  domain: string,
  { node, service }: Instance,
): { readonly target: string; readonly additionals: readonly Answer[] } {
  const address = service.Address || node.Address;
  if (!isIpAddress(address)) return { target: isDnsName(address) ? address : '.', additionals: [] };
  // A node's name may be none that DNS can carry; its address always is.
  if (service.Address !== '' || !isDnsName(node.Node)) {
    const target = addressName(address, domain, datacenter);
    return { target, additionals: addressRecords(target, address) };
  }
  const target = `${node.Node}.node.${datacenter}.${domain}`;
  return { target, additionals: [...addressRecords(target, address), ...metaRecords(target, node)] };
}

function addressRecords(name: string, address: string): readonly Answer[] {
  const record = { name, ttl: TTL, data: address };
  if (isIpAddress(address)) return [{ type: address.includes(':') ? 'AAAA' : 'A', ...record }];
  return isDnsName(address) ? [{ type: 'CNAME', ...record }] : [];
}

// A key that starts with `rfc1035-` stands for a text without a key.
function metaRecords(name: string, { Meta }: CatalogNode): readonly Answer[] {
  return Object.entries(Meta ?? {}).map(([key, value]) => ({
    type: 'TXT',
    name,
    ttl: TTL,
    data: chunks(key.toLowerCase().startsWith('rfc1035-') ? value : `${key}=${value}`),
  }));
}

/** A text of a record has at most 255 bytes; a longer one is several (RFC 1035, section 3.3.14). */
function chunks(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const count = Math.max(1, Math.ceil(bytes.length / 255));
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * 255, (index + 1) * 255));
}

/** Labels of 1 to 63 characters (RFC 1035, section 2.3.4). */
function isDnsName(name: string): boolean {
  return /^(?:[A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}$/.test(name);
}

function soa({ index }: Catalog, domain: string): Answer {
  // The serial is to grow with each change.
  const data = { mname: `ns.${domain}`, rname: `hostmaster.${domain}`, serial: index, ...SOA };
  return { type: 'SOA', name: domain, ttl: TTL, data };
}

function found(answers: readonly Answer[], additionals: readonly Answer[] = []): DnsAnswer {
  return { code: 'NOERROR', answers, additionals, authorities: [] };
}

function missing(catalog: Catalog, domain: string): DnsAnswer {
  return { code: 'NXDOMAIN', answers: [], additionals: [], authorities: [soa(catalog, domain)] };
}

function unique(records: readonly Answer[]): readonly Answer[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()];
}
