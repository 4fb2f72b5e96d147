/** What became of the last reading of a folder: to the log, and to whoever asks for the state. */
import type { FilesStatus } from '../src/status-page/status.ts';
import type { Log } from '../src/telemetry/logger.ts';
import type { ReadOutcome } from './folder-source.ts';
import { isoTime } from '../src/reporting/controller-status.ts';

type FolderStatus = {
  readonly onRead: (outcome: ReadOutcome) => void;
  readonly status: () => FilesStatus;
};

export function folderStatus(log: Log, now: () => number, changed: () => void): FolderStatus {
  let status: FilesStatus = { unreadable: undefined, repeated: [], invalid: [] };
  return {
    onRead: (outcome) => {
      const before = status;
      if ('error' in outcome) {
        const error = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
        status = { ...before, unreadable: { error, since: before.unreadable?.since ?? isoTime(now()) } };
        log('error', 'the manifests cannot be read; what was read before stays', { error });
      } else {
        const { objects, repeated, invalid } = outcome;
        status = { unreadable: undefined, repeated, invalid };
        log('info', 'manifests read', { objects });
        for (const problem of repeated.filter((each) => !before.repeated.includes(each)))
          log('warn', 'an object is defined more than once', { problem });
        for (const problem of invalid.filter((each) => !before.invalid.includes(each)))
          log('warn', 'a config entry is invalid', { problem });
      }
      changed();
    },
    status: () => status,
  };
}
