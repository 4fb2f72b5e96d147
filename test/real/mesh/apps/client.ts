/** An application that asks an upstream who it is, when it starts and once more when it has to stop. */
import { once } from 'node:events';
import { connect } from 'node:net';

const { DB_CONNECT_SERVICE_HOST: host = '', DB_CONNECT_SERVICE_PORT: port = '' } = process.env;
const [task = ''] = process.argv.slice(2);

async function ask(when: string): Promise<void> {
  const socket = connect(Number(port), host);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  process.stdout.write(`${when}: ${answer.toString()}`);
}

if (task === 'forever') {
  const idle = setInterval(() => undefined, 60_000);
  process.once('SIGTERM', () => {
    clearInterval(idle);
    void ask('stopping');
  });
}
await ask(task);
