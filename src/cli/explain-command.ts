/** `tandem explain service|pod|config-entry …`: which rule decided, what is registered, what Consul has. */
import { kubeconfigFlag } from '../config/common-flags.ts';
import { configEntryFlags } from '../config/config-entry-flags.ts';
import { consulFlagProblems, consulFlags } from '../config/consul-settings.ts';
import { oneOf } from '../config/flag.ts';
import { injectFlags } from '../config/inject-settings.ts';
import { namingFlags } from '../config/naming-settings.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { toConsulFlags } from '../config/sync-settings.ts';
import { type Context, exit, type ExitCode } from '../runtime/context.ts';
import { explainEntryOf } from '../runtime/planned-entries.ts';
import { explainPodOf } from '../runtime/explained-pod.ts';
import { explainServiceOf } from '../runtime/explained-service.ts';
import { tell } from '../runtime/tell.ts';
import { quote } from '../support/text.ts';
import { command, Misuse } from './command.ts';
import { podExplanationText } from './explain-pod-report.ts';
import { entryExplanationText, explanationText } from './explain-report.ts';
import { isRenamed, podNamingNote, serviceNamingNote } from './naming-note.ts';
import { jsonTexts, writeAll } from './write-all.ts';

const { defaultInject, defaultInjectExcludeNamespaces, allowNamespaces, denyNamespaces } = injectFlags;
/** Flags that decide about injection and names; they are needed only if the webhook or the sync has them. */
const podFlags = {
  defaultInject,
  defaultInjectExcludeNamespaces,
  allowNamespaces,
  denyNamespaces,
  ...namingFlags,
};

/** Flags that decide about config entries; each must be named. */
const { configEntries: _, ...entryFlags } = configEntryFlags;

const flags = {
  ...kubeconfigFlag,
  output: oneOf('Form of the explanation on standard output.', ['text', 'json'], 'text'),
  ...toConsulFlags,
  ...podFlags,
  ...entryFlags,
  ...consulFlags,
};

type Values = FlagValues<typeof flags>;

export const explainCommand = command({
  operands: 'service|pod NAMESPACE/NAME | config-entry KIND/NAMESPACE/NAME [FILE…|DIR|-]',
  flags,
  examples: [
    'tandem explain service default/web --consul-http-addr=consul:8500',
    'tandem explain service default/web manifests/',
    'tandem explain pod default/web-0 --consul-http-addr=consul:8500',
    'tandem explain config-entry ServiceRouter/default/web --consul-http-addr=consul:8500',
  ],
  check: consulFlagProblems,
  run: async (values, [kind, operand, ...files], context) => {
    if (kind === 'config-entry') return explainConfigEntry(operand, files, values, context);
    const [namespace, name, ...more] = (operand ?? '').split('/');
    if (!namespace || !name || more.length > 0) throw misuseOf(kind, operand);
    const asked = { what: `${kind === 'pod' ? 'pod' : 'Service'} ${namespace}/${name}`, values, context };
    if (kind === 'service') {
      const found = await explainServiceOf(namespace, name, files, values, context);
      const note = found && serviceNamingNote(values, found.scope, isRenamed(found.explanation) ? 1 : 0);
      return answer(found?.explanation, explanationText, note, asked);
    }
    if (kind === 'pod') {
      const found = await explainPodOf(namespace, name, files, values, context);
      return answer(found, podExplanationText, podNamingNote(values), asked);
    }
    throw misuseOf(kind, operand);
  },
});

async function explainConfigEntry(
  operand: string | undefined,
  files: readonly string[],
  values: Values,
  context: Context,
): Promise<ExitCode> {
  const [kind, namespace, name, ...more] = (operand ?? '').split('/');
  if (!kind || !namespace || !name || more.length > 0) throw misuseOf('config-entry', operand);
  const found = await explainEntryOf(kind, `${namespace}/${name}`, files, values, context);
  const asked = { what: `${kind} ${namespace}/${name}`, values, context };
  return answer(found, entryExplanationText, undefined, asked);
}

type Asked = { readonly what: string; readonly values: Pick<Values, 'output'>; readonly context: Context };

async function answer<T extends Readonly<Record<string, unknown>>>(
  explanation: T | undefined,
  toText: (explanation: T) => string,
  note: string | undefined,
  { what, values, context }: Asked,
): Promise<ExitCode> {
  if (explanation === undefined) {
    tell(context.stderr, `tandem explain: there is no ${what}`);
    return exit.internal;
  }
  const isJson = values.output === 'json';
  await writeAll(context.stdout, isJson ? jsonTexts(explanation) : [toText(explanation)]);
  if (note !== undefined) tell(context.stderr, `tandem explain: ${note}`);
  return exit.done;
}

function misuseOf(kind: string | undefined, name: string | undefined): Misuse {
  const what = [kind, name].filter((word) => word !== undefined).join(' ');
  return new Misuse(
    `${quote(what)} is not "service NAMESPACE/NAME", "pod NAMESPACE/NAME" or "config-entry KIND/NAMESPACE/NAME"`,
  );
}
