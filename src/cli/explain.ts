/** `tandem explain service NAMESPACE/NAME`: which rule decided, what is registered, what Consul has. */
import { explainService, type Seen } from '../catalog/explain.ts';
import { sourceOfService } from '../catalog/instance.ts';
import { consulFlagProblems, consulFlags } from '../config/consul-settings.ts';
import { oneOf } from '../config/flag.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { syncNodeName, toConsulFlags, toConsulSettings } from '../config/sync-settings.ts';
import { syncCatalog } from '../consul/sync-catalog.ts';
import { TandemError } from '../support/errors.ts';
import { quote } from '../support/text.ts';
import { clusterFlags, readCluster } from './cluster-objects.ts';
import { command, exit, type Context, type ExitCode } from './command.ts';
import { openConsulForPerson } from './consul-access.ts';
import { explanationText } from './explain-report.ts';

const flags = {
  ...clusterFlags,
  output: oneOf('Form of the explanation on standard output.', ['text', 'json'], 'text'),
  ...toConsulFlags,
  ...consulFlags,
};

type Values = FlagValues<typeof flags>;

export const explainCommand = command({
  name: 'explain',
  summary: 'Say why a Service is in Consul as it is, or is not',
  operands: 'service NAMESPACE/NAME [FILE…|DIR|-]',
  flags,
  shared: {
    title: 'Flags of the catalog and of Consul (docs/flags.md):',
    keys: [...Object.keys(toConsulFlags), ...Object.keys(consulFlags)],
  },
  examples: [
    'tandem explain service default/web --consul-http-addr=consul:8500',
    'tandem explain service default/web manifests/',
  ],
  check: consulFlagProblems,
  run: async (values, [kind, name, ...files], context) => {
    const [namespace, service, ...more] = (name ?? '').split('/');
    if (kind !== 'service' || !namespace || !service || more.length > 0) return misused(kind, name, context);
    const { kubeconfig, owner: named, enableIngress: withIngresses } = values;
    const { snapshot, owner } = await readCluster(
      { kubeconfig, files, owner: named, withIngresses },
      context,
    );
    const source = sourceOfService(namespace, service);
    const found = snapshot.service(source);
    if (found === undefined) {
      context.stderr.write(`tandem explain: there is no Service ${namespace}/${service}\n`);
      return exit.internal;
    }
    const seen = await seenInConsul(values, owner, context);
    const settings = toConsulSettings(values, owner);
    const explanation = explainService(found, snapshot.surroundings(source), settings, seen);
    const json = `${JSON.stringify(explanation, undefined, 2)}\n`;
    context.stdout.write(values.output === 'json' ? json : explanationText(explanation));
    return exit.done;
  },
});

function misused(kind: string | undefined, name: string | undefined, { stderr }: Context): ExitCode {
  const what = [kind, name].filter((word) => word !== undefined).join(' ');
  stderr.write(`tandem explain: ${quote(what)} is not "service NAMESPACE/NAME"\n`);
  return exit.usage;
}

/** Undefined, with a line for people, when Consul cannot be asked: the rules are worth reading all the same. */
async function seenInConsul(values: Values, owner: string, context: Context): Promise<Seen | undefined> {
  const consul = await openConsulForPerson(values, context);
  const scope = { owner, node: syncNodeName(values, owner) };
  try {
    const { signal } = context;
    const { instances } = await syncCatalog(consul).read(scope.node, { consistent: false, signal });
    return { observed: instances, scope };
  } catch (error) {
    if (!(error instanceof TandemError)) throw error;
    context.stderr.write(`tandem explain: Consul was not asked: ${error.message}\n`);
    return undefined;
  } finally {
    await consul.close();
  }
}
