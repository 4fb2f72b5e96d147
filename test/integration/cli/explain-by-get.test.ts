/** `tandem explain pod` with accounts that may only list, only get, or neither beside the pod. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { property } from '../../../src/support/json.ts';
import { injectedPod } from '../../unit/catalog/mesh/injected-pods.ts';
import { runInProcess } from './in-process.ts';
import { writePlainKubeconfig } from './plain-kubeconfig.ts';

// Its service is that of its ServiceAccount only by what that one is annotated with.
const POD = injectedPod({ serviceAccount: 'shop' });
const ACCOUNT = {
  metadata: {
    name: 'shop',
    namespace: 'default',
    annotations: { 'consul.hashicorp.com/service-name': 'web' },
  },
};
const NODE = String(property(property(POD, 'spec'), 'nodeName'));
const OBJECTS = new Map<string, unknown>([
  ['/api/v1/namespaces/default/pods/web-0', POD],
  ['/api/v1/namespaces/default/serviceaccounts/shop', ACCOUNT],
  [`/api/v1/nodes/${NODE}`, { metadata: { name: NODE, uid: 'n' }, status: {} }],
]);

test('what may only be read one by one is explained as what may be listed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-explain-'));
  let may: (path: string, isList: boolean) => boolean = () => true;
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
    const field = searchParams.get('fieldSelector');
    const path = field === null ? pathname : `${pathname}/${field.replace('metadata.name=', '')}`;
    if (!may(path, field !== null)) return response.writeHead(403).end('{"message":"denied"}');
    const found = OBJECTS.get(path);
    if (field !== null) return response.end(JSON.stringify({ items: found === undefined ? [] : [found] }));
    return response.writeHead(found === undefined ? 404 : 200).end(JSON.stringify(found ?? {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  await writePlainKubeconfig(folder, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const explain = (name: string) =>
    runInProcess([
      'explain',
      'pod',
      `default/${name}`,
      `--kubeconfig=${join(folder, 'config')}`,
      '--owner=c1',
      '--pod-auth-method=pods',
    ]);
  const listed = await explain('web-0');
  assert.match(listed.stdout, /^ {2}rule +registered: /m, listed.stderr);
  may = (_path, isList) => !isList;
  assert.deepEqual(await explain('web-0'), listed);
  assert.match((await explain('nope')).stderr, /there is no pod default\/nope/);
  may = (path) => path.includes('/pods/');
  assert.match((await explain('web-0')).stdout, /^ {2}rule +other-service-account: /m);
  may = () => false;
  assert.match((await explain('web-0')).stderr, /cannot read the pod default\/web-0 \(status 403: denied\)/);
});
