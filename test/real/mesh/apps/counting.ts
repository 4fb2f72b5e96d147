/** Plays hashicorp/counting-service: counts its requests. */
import { createServer } from 'node:http';

let count = 0;
createServer((_request, response) => {
  count += 1;
  response.end(JSON.stringify({ count, hostname: 'counting' }));
}).listen(Number(process.env['PORT']), '127.0.0.1');
