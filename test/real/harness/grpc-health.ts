/** gRPC's health check, as the kubelet asks for it (grpc.health.v1, HTTP/2 in plain text). */
import { once } from 'node:events';
import { connect } from 'node:http2';
import { hostAndPort } from '../../../src/support/ip-address.ts';

export const CHECK = '/grpc.health.v1.Health/Check';
/** A message behind the byte of its compression and its length (gRPC over HTTP/2, Length-Prefixed-Message). */
export function framed(message: readonly number[]): Buffer {
  return Buffer.from([0, 0, 0, 0, message.length, ...message]);
}
/** Field 1 of HealthCheckResponse: the status SERVING. */
export const SERVING = [8, 1];
/** A call that has been taken must be answered within it. */
const PATIENCE_MILLISECONDS = 5000;

/** `SERVING`, else the number of the gRPC status, or what was said instead. */
export async function askHealth(host: string, port: number, path = CHECK): Promise<string> {
  const session = connect(`http://${hostAndPort(host, port)}`);
  // It is said by the stream too.
  session.on('error', () => undefined);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.setTimeout(PATIENCE_MILLISECONDS, () => stream.destroy(new Error('no answer')));
    let [answer, status] = [Buffer.alloc(0), undefined as unknown];
    const keep = (headers: Readonly<Record<string, unknown>>): void => {
      status = headers['grpc-status'] ?? status;
    };
    stream.on('response', keep).on('trailers', keep);
    stream.on('data', (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])));
    stream.end(framed([]));
    await once(stream, 'end');
    return answer.equals(framed(SERVING)) && status === '0' ? 'SERVING' : `status ${String(status)}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code ?? error);
  } finally {
    session.destroy();
  }
}
