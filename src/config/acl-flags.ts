/** The flags that say whose ACLs `tandem secure` keeps, and who may log in. */
import { DEFAULT_SELECTOR } from '../secure/pod-auth-method.ts';
import { authMethodTypes } from '../secure/secure-settings.ts';
import { consulOrigins, parseConsulAddresses } from './consul-addresses.ts';
import { boolean, oneOf, parsed, string, type Parsed } from './flag.ts';

export const aclFlags = {
  externalServers: parsed<readonly string[]>(
    'Servers that run elsewhere, as [http[s]://]HOST[:PORT] separated by commas. Tandem manages only their ACLs, with --owner at the end of each name.',
    'ADDRESSES',
    [],
    addressList,
  ),
  bootstrapTokenSecret: string(
    'Your Secret with the token that has all rights. Default: Tandem makes one.',
    'NAME',
    undefined,
  ),
  bootstrapTokenKey: string('Its key.', 'KEY', 'token'),
  podAuthMethod: boolean('Make the auth method by which injected pods log in.', true),
  authMethodType: oneOf(
    'kubernetes: Consul asks the API server who logs in. jwt: Consul has its keys, and checks the tokens of pods itself.',
    authMethodTypes,
    'kubernetes',
  ),
  bindingRuleSelector: string(
    'Selector of the ServiceAccounts that may be services.',
    'SELECTOR',
    DEFAULT_SELECTOR,
  ),
  authMethodHost: string(
    'URL of the API server, as the Consul servers reach it.',
    'URL',
    'https://kubernetes.default.svc',
  ),
  authMethodCaFile: string(
    'CA of that API server (PEM).',
    'FILE',
    '/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
  ),
};

function addressList(text: string): Parsed<readonly string[]> {
  const addresses = parseConsulAddresses(text);
  if (!addresses.ok) return addresses;
  if ('kind' in addresses.value) return { ok: false, expected: 'a list of addresses' };
  return { ok: true, value: consulOrigins(addresses.value, false) };
}
