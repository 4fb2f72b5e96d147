/** A folder of manifests that changes while it is read. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import { folderSource, type ReadOutcome } from '../../../dev/folder-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'tandem-folder-'));
after(() => rmSync(folder, { recursive: true }));

const services = (names: readonly string[]): string =>
  names.map((name) => `---\napiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\n`).join('');

test('one read ends before the next begins, so that the last one counts', async () => {
  const fifo = join(folder, 'fifo.yaml');
  execFileSync('mkfifo', [fifo]);
  const outcomes: ReadOutcome[] = [];
  const first = writeFile(fifo, services(['a']));
  const onRead = (outcome: ReadOutcome): void => void outcomes.push(outcome);
  const source = await folderSource({ operands: [fifo], stdin: Readable.from([]), onRead });
  await first;
  const reads = [source.refresh(new AbortController().signal), source.refresh(new AbortController().signal)];
  // Each of them goes to the one reader that has opened the pipe.
  await writeFile(fifo, services(['a', 'b']));
  await reads[0];
  await writeFile(fifo, services(['a', 'b', 'c']));
  await reads[1];
  source.close();
  assert.deepEqual(
    outcomes.map((outcome) => ('error' in outcome ? outcome : outcome.objects)),
    // With the node on which all of it runs.
    [2, 3, 4],
  );
});

test('config entries in the folder are validated with every reading', async () => {
  const file = join(folder, 'entries.yaml');
  const entry = (protocol: string): string => `apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceDefaults
metadata: {name: web}
spec:
  protocol: ${protocol}
`;
  await writeFile(file, entry('htp'));
  const outcomes: ReadOutcome[] = [];
  const onRead = (outcome: ReadOutcome): void => void outcomes.push(outcome);
  const source = await folderSource({ operands: [file], stdin: Readable.from([]), onRead });
  source.close();
  await writeFile(file, entry('http'));
  await source.refresh(new AbortController().signal);
  assert.deepEqual(
    outcomes.map((outcome) => ('error' in outcome ? outcome : [outcome.invalid, outcome.entries])),
    [
      [
        [
          `${file}:5: refused: ServiceDefaults web: spec.protocol: "htp" must be "tcp", "http", "http2" or "grpc"`,
        ],
        [],
      ],
      [[], [{ Kind: 'service-defaults', Name: 'web', Protocol: 'http' }]],
    ],
  );
});
