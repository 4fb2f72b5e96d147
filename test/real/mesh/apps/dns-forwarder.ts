/** What of consul-dataplane answers DNS, by UDP and TCP: it passes every question on to the servers. */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

/** @param server `<address>:<port>` */
export function forwardDns(port: number, server: string): void {
  const [host = '', serverPort = ''] = server.split(':');
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  udp.on('message', (question, asker) => {
    const asked = createSocket('udp4');
    asked.on('message', (answer) => {
      udp.send(answer, asker.port, asker.address);
      asked.close();
    });
    asked.on('error', () => asked.close());
    asked.send(question, Number(serverPort), host);
  });
  createServer((near) => {
    const far = connect(Number(serverPort), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const)
      from.on('error', () => to.destroy()).pipe(to);
  }).listen(port, '127.0.0.1');
}
