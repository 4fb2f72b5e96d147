/** The custom resources of config entries: how each stands with Consul. */
import { entryReasons } from '../catalog/config-entries/entry-state.ts';
import { emptyTable } from './empty-table.ts';
import { foreignText, markup } from './markup.ts';
import { problemsFirst, reasonText, statusRow, type Row, type Table } from './row.ts';
import type { ConfigEntriesStatus, ConfigEntryRow } from './status.ts';

const meanings: ReadonlyMap<string, string> = new Map(Object.entries(entryReasons));

const NO_OBJECT = markup`There is no custom resource of a config entry.`;

export function configEntriesTable(status: ConfigEntriesStatus, isLeader: boolean): Table {
  return {
    id: 'config-entries',
    title: 'Config entries',
    nouns: ['object', 'objects'],
    empty: emptyTable(isLeader, status.lastSuccess, NO_OBJECT),
    columns: [
      { title: 'Object', kind: 'name' },
      { title: 'State', kind: 'state' },
      { title: 'Kind', kind: 'place' },
      { title: 'Entry in Consul', kind: 'place' },
      { title: 'Reason and problems', kind: 'text' },
    ],
    isHistory: false,
    rows: problemsFirst(status.rows.map(rowOf)),
  };
}

function rowOf(row: ConfigEntryRow): Row {
  const { kind, object, entry, synced, reason, message } = row;
  return statusRow(row, {
    name: object,
    isIn: synced === 'True',
    word: synced === 'True' ? 'Synced' : synced === 'False' ? 'Not synced' : 'Waiting',
    refuser: 'Consul',
    found: [kind, entry, message, meanings.get(reason)],
    places: () => [
      foreignText(kind),
      entry === undefined ? markup`<span class="quiet">none</span>` : foreignText(entry),
    ],
    why: () =>
      markup`${reasonText(meanings.get(reason), reason)}${synced === 'False' || message === '' ? undefined : markup`<p>${foreignText(message)}</p>`}`,
  });
}
