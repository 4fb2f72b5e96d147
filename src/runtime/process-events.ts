/** The Events of a process, which writes them only while it leads where replicas elect a leader. */
import { hostname } from 'node:os';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { eventRecorder, type EventRecorder } from '../kubernetes/event-recorder.ts';
import { systemRuntime } from '../kubernetes/system-clock.ts';
import type { Log } from '../telemetry/logger.ts';

/** An Event that could not be written is a warning in the log. */
export function processEvents<Reason extends string>(client: ApiClient, log: Log): EventRecorder<Reason> {
  return eventRecorder({
    client,
    instance: hostname(),
    ...systemRuntime,
    onOutcome: (outcome) => {
      if (outcome.kind === 'failed' && outcome.error.code !== 'TANDEM_NOT_LEADING')
        log('warn', 'an Event was not written', { error: outcome.error.message });
    },
  });
}

/** Of a process that writes nothing: its log says the same. */
export const NO_EVENTS: EventRecorder<string> = {
  record: () => undefined,
  idle: () => Promise.resolve(),
  stop: () => Promise.resolve(),
};
