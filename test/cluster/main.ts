/** `npm run cluster`: a Kubernetes of two nodes with Tandem in it, to play with; `npm run cluster -- down` takes it down. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CLONE, clusterFolders } from './harness/cluster-folder.ts';
import { elapsed } from './harness/elapsed.ts';
import { listenForInterruption } from '../interruption.ts';
import { INSTALL_COMMANDS, installTandem, NEXT_COMMANDS } from './harness/install-tandem.ts';
import { startCluster } from './harness/keeper-client.ts';
import { missingParts, ownFolders } from './harness/programs.ts';
import { kernelProblems, machineProblems } from './harness/requirements.ts';
import { takeDown } from './harness/take-down.ts';
import { alreadyUp, howToGoOn, takenDown } from './harness/what-people-read.ts';

const USAGE = `npm run cluster                              a cluster of two nodes with Tandem in it
npm run cluster -- --without-tandem          the same without Tandem
npm run cluster -- --network=172.30.0.0/16   take its addresses from this range (default: a free one)
npm run cluster -- down                      takes it down, with all that is in it
`;
const INSTALLER = join(import.meta.dirname, '../real/install.ts');

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<number> {
  const request = read(process.argv.slice(2));
  if (typeof request === 'string') {
    process.stderr.write(`${request}\n\n${USAGE}`);
    return 2;
  }
  const { command, withTandem, network } = request;
  if (command === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  try {
    fail(machineProblems());
    if (command === 'down') return await down();
    await bringParts();
    fail(kernelProblems());
    return await up(withTandem, network);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

type Request = {
  readonly command: 'up' | 'down' | 'help';
  readonly withTandem: boolean;
  readonly network: string | undefined;
};

/** What is asked for, or what is wrong with it. */
function read(args: readonly string[]): Request | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        'without-tandem': { type: 'boolean', default: false },
        network: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const [command = 'up', ...more] = values.help ? ['help'] : positionals;
    if (more.length > 0 || (command !== 'up' && command !== 'down' && command !== 'help'))
      return `${positionals.join(' ')}: expected down, or nothing`;
    return { command, withTandem: !values['without-tandem'], network: values.network };
  } catch (error) {
    return (error as Error).message;
  }
}

function fail(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** A new clone has none of them. The installer says how far it is, and goes on where it was interrupted. */
async function bringParts(): Promise<void> {
  const missing = missingParts();
  if (missing.length === 0) return;
  print(`Parts that a cluster needs are missing, and are brought first, once: ${missing.join(', ')}`);
  const installer = spawn(process.execPath, [INSTALLER, ...missing], { stdio: 'inherit' });
  const [code] = (await once(installer, 'close')) as [number | null];
  if (code !== 0) throw new Error('The parts are not all there; the same command goes on from here.');
}

async function up(withTandem: boolean, network: string | undefined): Promise<number> {
  const there = clusterFolders().flatMap(({ keeper, ...folder }) =>
    keeper?.isLetGo === true ? [{ ...folder, keeper }] : [],
  )[0];
  if (there !== undefined) {
    print(alreadyUp(there, { network, withTandem, clone: CLONE }));
    goOn(there.kubeconfig, there.keeper.hasTandem ?? true);
    return 0;
  }
  const interruption = listenForInterruption(() => print('interrupted: taking it down'));
  const say = elapsed(process.stdout);
  const cluster = await startCluster({ network, signal: interruption.signal, onProgress: say }).catch(
    (error: unknown) => {
      if (interruption.code() === 0) throw error;
    },
  );
  if (cluster === undefined) return interruption.code();
  if (withTandem)
    await installTandem(cluster.kubeconfig, say, interruption.signal).catch(async (error: unknown) => {
      await cluster.end();
      if (interruption.code() === 0) throw error;
    });
  if (interruption.code() > 0) return interruption.code();
  await cluster.letGo(withTandem);
  goOn(cluster.kubeconfig, withTandem);
  return 0;
}

async function down(): Promise<number> {
  print(takenDown(await takeDown()));
  return 0;
}

function goOn(kubeconfig: string, hasTandem: boolean): void {
  const folders = ownFolders(['kubectl', 'helm']);
  const nextCommands = [...NEXT_COMMANDS, CONSUL_PAGE];
  print(howToGoOn({ kubeconfig, folders, hasTandem, installCommands: INSTALL_COMMANDS, nextCommands }));
}

/** Services of the chart that a person would look at. */
const CONSUL_PAGE =
  'kubectl -n tandem port-forward service/tandem-ui 8500:80   # and open http://localhost:8500';

process.exitCode = await main();
