/** A pod says which CAs of Consul it trusts, in both modes, and only when it speaks TLS. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { newCa } from '../../../src/certificates/sign.ts';
import { CA_ID_ANNOTATION } from '../../../src/model/kubernetes-names.ts';
import { asString, property } from '../../../src/support/json.ts';
import { readIds } from '../../../src/support/certificate-ids.ts';
import { goldenResult } from '../../golden/golden-case.ts';

const certificates = [0, 1].map(() => newCa({ now: Date.now(), life: 86_400_000 }).certificate);

function idsWith(flags: readonly string[], forged = {}): readonly string[] | undefined {
  const annotations = { 'consul.hashicorp.com/connect-inject': 'true', ...forged };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', annotations },
    spec: { containers: [{ name: 'web', image: 'web', ports: [{ containerPort: 8080 }] }] },
  };
  const result = goldenResult({ flags, pod });
  assert.equal(result.kind, 'inject');
  const path = `/metadata/annotations/${CA_ID_ANNOTATION.replace('/', '~1')}`;
  const text = result.patch.flatMap((operation) =>
    operation.path === path ? (asString(property(operation, 'value')) ?? []) : [],
  );
  return text[0] === undefined ? undefined : readIds(text[0]);
}

test('each CA of the bundle is there, by the beginning of its SHA-256', () => {
  const expected = certificates.map((pem) =>
    new X509Certificate(pem).fingerprint256.replaceAll(':', '').slice(0, 16).toLowerCase(),
  );
  for (const mode of ['agent', 'dataplane']) {
    const flags = [
      `--proxy-mode=${mode}`,
      '--consul-server-addresses=consul',
      `--consul-ca-pem=${certificates.join('')}`,
    ];
    assert.deepEqual(idsWith([...flags, '--consul-tls']), expected, mode);
    // What somebody wrote there before says nothing.
    assert.deepEqual(idsWith([...flags, '--consul-tls'], { [CA_ID_ANNOTATION]: 'x' }), expected, mode);
    assert.equal(idsWith(flags), undefined, `${mode} without TLS`);
  }
});
