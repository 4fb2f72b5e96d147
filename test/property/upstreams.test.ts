import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseUpstream, splitUpstreams } from '../../src/inject/parse-upstreams.ts';
import { formatUpstream } from './format-upstream.ts';

const PORTS = new Map([['http', 8080]]);

// Strings made of the grammar's own pieces reach far deeper than random ones.
const pieces = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ':',
        '?',
        '&',
        '=',
        '.',
        ',',
        ' ',
        '\n',
        'svc',
        'ns',
        'peer',
        'ap',
        'dc',
        'prepared_query',
        'db',
        '1234',
        '0',
        '65536',
        'http',
        'datacenter',
        'local_bind_address',
        '127.0.0.2',
        '::1',
        'mesh_gateway_mode',
        'local',
        '__proto__',
        'constructor',
      ),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.join(''));

test('the parser never throws, and each failure says what was wrong', () => {
  fc.assert(
    fc.property(fc.oneof(pieces, fc.string({ unit: 'binary' })), (text) => {
      for (const element of splitUpstreams(text)) {
        const parsed = parseUpstream(element, PORTS);
        assert.ok(parsed.ok || parsed.expected.length > 5);
      }
    }),
    { numRuns: 20_000 },
  );
});

const name = fc
  .stringMatching(/^[a-z0-9][a-z0-9_-]{0,10}$/)
  .filter((text) => text !== 'prepared_query' && text !== 'svc');
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const element = fc
  .record({
    name,
    labels: fc.constantFrom(
      '',
      '.svc',
      '.svc.team.ns',
      '.svc.team.ns.east.peer',
      '.svc.east.ap',
      '.svc.dc2.dc',
    ),
    port: fc.constantFrom('1', '65535', '080', 'http'),
    datacenter: optional(fc.constant('dc2')),
    options: fc.subarray([
      'local_bind_address=127.0.0.9',
      'destination_port=grpc',
      'mesh_gateway_mode=remote',
      'datacenter=dc2',
    ]),
  })
  .filter(
    ({ labels, datacenter, options }) =>
      !(labels.endsWith('peer') && options.at(-1)?.startsWith('data')) &&
      !(labels !== '' && datacenter !== undefined),
  )
  .map(
    ({ name: service, labels, port, datacenter, options }) =>
      `${service}${labels}:${port}${datacenter === undefined ? '' : `:${datacenter}`}${options.length === 0 ? '' : `?${options.join('&')}`}`,
  );

test('format gives text that parses to the same upstream, and is stable', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        element,
        fc
          .tuple(name, fc.constantFrom('1', '99:dc1'))
          .map(([query, rest]) => `prepared_query:${query}:${rest}`),
      ),
      (text) => {
        const parsed = parseUpstream(text, PORTS);
        assert.ok(parsed.ok, `${text}: ${parsed.ok ? '' : parsed.expected}`);
        const formatted = formatUpstream(parsed.value);
        assert.deepEqual(parseUpstream(formatted, PORTS), parsed);
        assert.equal(formatUpstream(parsed.value), formatted);
      },
    ),
    { numRuns: 5000 },
  );
});
