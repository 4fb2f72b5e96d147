/** Reports what `tandem secure` does: log, metrics, Events, and its part of the status. */
import type { SecureReporter, WriteStep } from '../controllers/secure-loop.ts';
import { describeStep, stepText, type StepWords } from '../secure/describe-step.ts';
import type { SecureObserved } from '../secure/observed.ts';
import { behind } from '../secure/loaded.ts';
import type { SecureStep } from '../secure/secure-step.ts';
import { expiries, problemsOf, type SecureProblem } from '../secure/secure-report.ts';
import type { SecureSettings } from '../secure/secure-settings.ts';
import { TandemError } from '../support/errors.ts';
import type { StatusOf } from '../status-page/status.ts';
import type { SecureMetrics } from '../telemetry/secure-metrics.ts';
import {
  createControllerReporter,
  type ControllerReporterOptions,
  type ControllerState,
} from './controller-reporter.ts';
import { controllerFacts, troubleOf } from './controller-status.ts';

type SecureReporterOptions = Pick<ControllerReporterOptions, 'log' | 'now' | 'changed'> & {
  readonly settings: SecureSettings;
  readonly metrics: SecureMetrics;
  /** An Event on the pod of the source, or on the Secret of the loop. */
  readonly event: (source: string, type: 'Normal' | 'Warning', reason: string, message: string) => void;
};

/** Creations and repairs of objects that somebody may have changed by hand are worth an Event. */
const REPAIRS: ReadonlySet<StepWords['reason']> = new Set([
  'different',
  'not-wanted',
  'in-no-secret',
  'reviewer-token-refused',
]);
const LOOP = 'secure';

type Look = {
  readonly observed: SecureObserved;
  readonly step: SecureStep;
  readonly problems: readonly SecureProblem[];
};

export function createSecureReporter(parts: SecureReporterOptions) {
  const { settings, metrics, event, ...options } = parts;
  const { log, changed } = options;
  let last: Look | undefined;
  const common = createControllerReporter<WriteStep>(
    {
      failed: 'Consul or the API server could not be read or written; this is retried',
      failedLevel: 'warn',
      refused: 'Consul refuses a step',
      describe: (step) => ({ source: LOOP, labels: {}, fields: { ...describeStep(step) } }),
    },
    { ...options, metrics: undefined, warn: () => undefined },
  );
  const tellProblems = (problems: readonly SecureProblem[]): void => {
    for (const source of new Set([...problems.map((each) => each.source), ...common.toldSources()])) {
      const own = problems.filter((problem) => problem.source === source);
      for (const { reason, message } of common.news(source, own, (each) => each.message)) {
        log('warn', 'something needs attention', { source, reason, message });
        event(source, 'Warning', EVENT_REASONS[reason], message);
      }
    }
  };
  const reporter: SecureReporter = {
    applied: (step) => {
      const words = describeStep(step);
      log('info', 'a step is done', { ...words });
      metrics.step(step.kind, 'applied');
      if (REPAIRS.has(words.reason))
        event(LOOP, 'Normal', 'Repaired', `Consul was repaired: ${stepText(step)}`);
      common.applied(step);
      changed();
    },
    refused: (step, reason) => {
      metrics.step(step.kind, 'refused');
      event(LOOP, 'Warning', 'RefusedByConsul', `Consul refused ${stepText(step)}: ${reason}`);
      common.refused(step, reason);
    },
    failed: (error, retryMilliseconds) => {
      metrics.failure(error instanceof TandemError ? error.code : 'other');
      common.failed(error, retryMilliseconds);
    },
    succeeded: () => {
      metrics.success(options.now());
      common.succeeded();
    },
    looked: (observed, step) => {
      const before = last && stepText(last.step);
      last = { observed, step, problems: problemsOf(settings, observed, step) };
      metrics.agents(agentCounts(settings, observed));
      metrics.expiries(expiries(settings, observed));
      tellProblems(last.problems);
      const isNews = before !== stepText(step);
      if (isNews && step.kind === 'wait') log('info', 'waiting', { ...describeStep(step) });
      if (isNews && step.kind === 'keep') log('debug', 'nothing is due');
      changed();
    },
  };
  return { reporter, status: () => statusOf(settings, common.state(), last) };
}

function agentCounts(settings: SecureSettings, observed: SecureObserved) {
  const late = behind(settings, observed);
  const silent = late.filter(({ state }) => state.kind === 'silent').length;
  return { loaded: observed.agents.length - late.length, behind: late.length - silent, silent };
}

function statusOf(
  settings: SecureSettings,
  state: ControllerState,
  last: Look | undefined,
): StatusOf<'secure'> {
  const problems = last?.problems ?? [];
  const late = new Set(last === undefined ? [] : behind(settings, last.observed));
  const agents = (last?.observed.agents ?? []).map((agent) => ({
    source: `Pod/${settings.namespace}/${agent.pod.name}`,
    reason: late.has(agent) ? (agent.state.kind === 'silent' ? 'silent' : 'behind') : 'loaded',
  }));
  const others = problems.filter(({ source }) => !agents.some((agent) => agent.source === source));
  return {
    controller: 'secure',
    ...controllerFacts(state),
    stage: settings.stage,
    step: last && stepText(last.step),
    rows: [...agents, ...others].map(({ source, reason }) => ({
      source,
      reason,
      problems: problems.filter((each) => each.source === source).map(({ message }) => message),
      ...troubleOf([state], source),
    })),
  };
}

const EVENT_REASONS: Readonly<Record<SecureProblem['reason'], string>> = {
  'agent-behind': 'AgentBehind',
  'name-taken': 'NameTaken',
  'bootstrapped-by-others': 'BootstrappedByOthers',
  'no-token': 'NoToken',
  'token-unknown': 'TokenUnknown',
  'signers-unknown': 'SignersUnknown',
  'keyring-unknown': 'KeyringUnknown',
  'brought-unusable': 'SecretUnusable',
  'ca-signs-no-ca': 'CaSignsNoCa',
  'distrusted-ca-in-use': 'DistrustedCaInUse',
  'reviewer-lacks-right': 'ReviewerLacksRight',
  'owner-taken': 'OwnerTaken',
};
