/** Plays hashicorp/counting-service: counts its requests. */
import { createServer } from 'node:http';

const { HOST = '127.0.0.1', PORT = '' } = process.env;
let count = 0;
createServer((_request, response) => {
  count += 1;
  response.end(JSON.stringify({ count, hostname: 'counting' }));
}).listen(Number(PORT), HOST);
// As the first process of a container it would not be ended by the signal alone.
process.once('SIGTERM', () => process.exit(0));
