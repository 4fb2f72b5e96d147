/** The custom resources of config entries: the state of each in Consul. */
import { entryReasons } from '../catalog/config-entries/entry-state.ts';
import { filledAt } from '../support/json.ts';
import { foreignText, markup } from './markup.ts';
import { reasonText } from './row.ts';
import { statusTable } from './status-table.ts';
import type { ConfigEntriesStatus } from './status.ts';

export const configEntriesTable = statusTable<ConfigEntriesStatus>({
  id: 'config-entries',
  title: 'Config entries',
  nouns: ['object', 'objects'],
  none: markup`There is no custom resource of a config entry.`,
  columns: [
    { title: 'Object', kind: 'name' },
    { title: 'Kind', kind: 'place' },
    { title: 'Entry in Consul', kind: 'place' },
  ],
  lookOf: ({ kind, object, entry, synced, reason, message }) => {
    const meaning = filledAt(entryReasons, reason);
    return {
      name: object,
      isIn: synced === 'True',
      word: synced === 'True' ? 'Synced' : synced === 'False' ? 'Not synced' : 'Waiting',
      refuser: 'Consul',
      meaning,
      found: [kind, entry, message],
      places: () => [
        foreignText(kind),
        entry === undefined ? markup`<span class="quiet">none</span>` : foreignText(entry),
      ],
      why: () =>
        markup`${reasonText(meaning, reason)}${synced === 'False' || message === '' ? undefined : markup`<p>${foreignText(message)}</p>`}`,
    };
  },
});
