import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alreadyUp, howToGoOn, takenDown } from '../../cluster/harness/what-people-read.ts';

const SINCE = new Date(2026, 0, 2, 9, 25).getTime();
const keeper = { clone: '/clones/tandem', since: SINCE, hasTandem: true };
const wanted = { network: undefined, withTandem: true, clone: '/clones/tandem' };

test('a cluster that is up already: since when, whose, and how changed sources get in', () => {
  const said = alreadyUp({ id: '10-64', keeper }, wanted);
  assert.match(said, /^A cluster is up already, since 09:25, started in \/clones\/tandem\.\n/);
  assert.match(said, /For a new cluster, of the sources as they are now, take this one down first\.$/);
  assert.doesNotMatch(said, /not of those here|without Tandem|--network/);
});

test('one of another clone', () => {
  const said = alreadyUp({ id: '10-64', keeper }, { ...wanted, clone: '/clones/other' });
  assert.match(said, /^Its images are made of the sources there, not of those here\.$/m);
});

test('one without Tandem, where Tandem was asked for', () => {
  const up = { id: '10-64', keeper: { ...keeper, hasTandem: false } };
  assert.match(alreadyUp(up, wanted), /^It was started without Tandem\.$/m);
  assert.doesNotMatch(alreadyUp(up, { ...wanted, withTandem: false }), /without Tandem/);
});

test('one with other addresses than those that are asked for', () => {
  const said = (network: string): string => alreadyUp({ id: '10-64', keeper }, { ...wanted, network });
  assert.match(
    said('172.30.0.0/16'),
    /^Its addresses are in 10\.64\.0\.0\/16; --network=172\.30\.0\.0\/16 is for a new one\.$/m,
  );
  assert.doesNotMatch(said('10.64.0.0/16'), /--network/);
});

test('one that an older clone has started says less', () => {
  assert.match(alreadyUp({ id: '10-64', keeper: {} }, wanted), /^A cluster is up already\.\n/);
});

test('without Tandem, the commands that need it come after those that install it', () => {
  const steps = {
    kubeconfig: '/cluster/kubeconfig',
    folders: ['/kubectl', '/helm'],
    installCommands: ['helm install tandem'],
    nextCommands: ['helm test tandem'],
  };
  assert.match(
    howToGoOn({ ...steps, hasTandem: false }),
    /^ {2}helm install tandem$[^]*^ {2}helm test tandem$/m,
  );
  const said = howToGoOn({ ...steps, hasTandem: true });
  assert.doesNotMatch(said, /helm install/);
  assert.match(said, /^ {2}export KUBECONFIG=\/cluster\/kubeconfig PATH=\$PATH:\/kubectl:\/helm$/m);
});

test('what was taken down, and what was not', () => {
  const cluster = (id: string, clone: string) => ({
    id,
    path: `/clusters/${id}`,
    kubeconfig: '',
    socket: '',
    keeper: { pid: 1, born: '1', isLetGo: true, clone },
  });
  const [mine, suite] = [cluster('10-64', '/a'), cluster('10-65', '/b')];
  assert.equal(takenDown({ ended: [], left: [] }), 'No cluster was up.');
  assert.equal(takenDown({ ended: [mine], left: [] }), 'Taken down: /clusters/10-64, started in /a');
  assert.equal(
    takenDown({ ended: [], left: [suite] }),
    'No cluster was taken down.\nNot taken down, because a command that is still going owns them: /clusters/10-65, started in /b',
  );
});
