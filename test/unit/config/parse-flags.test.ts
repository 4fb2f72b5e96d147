import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boolean, integer, list, oneOf, string } from '../../../src/config/flag.ts';
import { listenAddress } from '../../../src/config/common-flags.ts';
import { parseFlags } from '../../../src/config/parse-flags.ts';

const flags = {
  consulAddr: string('', 'ADDR', 'localhost', { variables: ['CONSUL_HTTP_ADDR'] }),
  token: string('', 'TOKEN', undefined, { secret: true }),
  count: integer('', 'N', 1, { min: 1, max: 9 }),
  verbose: boolean('', false),
  mode: oneOf('', ['agent', 'dataplane'], 'agent'),
  names: list('', 'NAMES', ['*']),
  listen: listenAddress('', { host: '0.0.0.0', port: 1 }),
};

function valuesOf(argv: readonly string[], environment: Record<string, string> = {}) {
  const parsed = parseFlags(flags, argv, environment);
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problems.join('; '));
  return parsed.values;
}

function problemsOf(argv: readonly string[], environment: Record<string, string> = {}): readonly string[] {
  const parsed = parseFlags(flags, argv, environment);
  assert.ok(!parsed.ok);
  return parsed.problems;
}

test('a flag beats its variable, which beats the usual one, which beats the default', () => {
  const usual = { CONSUL_HTTP_ADDR: 'usual' };
  assert.equal(valuesOf([]).consulAddr, 'localhost');
  assert.equal(valuesOf([], usual).consulAddr, 'usual');
  assert.equal(valuesOf([], { ...usual, TANDEM_CONSUL_ADDR: 'own' }).consulAddr, 'own');
  assert.equal(
    valuesOf(['--consul-addr', 'flag'], { ...usual, TANDEM_CONSUL_ADDR: 'own' }).consulAddr,
    'flag',
  );
  assert.equal(valuesOf([], { TANDEM_CONSUL_ADDR: '' }).consulAddr, 'localhost', 'an empty variable is none');
});

test('booleans, lists and addresses are read as people write them', () => {
  assert.deepEqual([valuesOf(['--verbose']).verbose, valuesOf(['--verbose=false']).verbose], [true, false]);
  assert.deepEqual(valuesOf(['--names', ' a, b,,c ']).names, ['a', 'b', 'c']);
  assert.deepEqual(valuesOf(['--names=']).names, []);
  assert.deepEqual(valuesOf(['--listen=[::1]:8443']).listen, { host: '::1', port: 8443 });
  assert.deepEqual(valuesOf(['--listen=:8443']).listen, { host: '0.0.0.0', port: 8443 });
});

test('every problem comes, with its source and what was expected; a secret value is not repeated', () => {
  const problems = problemsOf(['--count=10', '--mode=agnet', '--cont', '--listen=x', '--names'], {
    TANDEM_VERBOSE: 'yes',
  });
  assert.deepEqual(problems, [
    '"--cont" is not a flag of this command; did you mean --count?',
    '--names: it needs a value (--names=NAMES)',
    '--count: "10" is not a whole number from 1 to 9',
    'TANDEM_VERBOSE: "yes" is not one of 1 t T TRUE true True 0 f F FALSE false False',
    '--mode: "agnet" is not one of agent, dataplane',
    '--listen: "x" is not HOST:PORT, such as 127.0.0.1:8443 or [::]:8443',
  ]);
});

test('names of the prototype are no flags', () => {
  assert.match(
    problemsOf(['--constructor', '--__proto__=x']).join(),
    /"--constructor" is not a flag.*"--__proto__" is not a flag/,
  );
});
