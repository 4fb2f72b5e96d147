/** Pods as people, generators and other webhooks write them: absent and null parents, odd keys, unknown fields. */
import { ANNOTATION_PREFIX } from '../../src/model/kubernetes-names.ts';
import fc from 'fast-check';
import { annotationKey, annotations } from '../../src/inject/annotations.ts';

const oddKey = fc.oneof(
  fc.constantFrom('a/b', 'a~b', '~1', '~0/', '__proto__', 'constructor', '', ' ', 'ÿ/é', 'toString'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const text = fc.string({ unit: 'grapheme', maxLength: 20 });
// A field that Tandem does not know, of any shape.
const unknownFields = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 8 }).map((key) => `x${key}`),
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 3 },
);

/** As it arrives: JSON knows no undefined, no null prototype and no negative zero. */
function asJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Absent, null, empty, or the list. */
function perhaps<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> {
  return fc.oneof({ weight: 3, arbitrary: value }, fc.constantFrom(null, undefined));
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

const variable = fc.record({
  name: fc.oneof(fc.constantFrom('DB_CONNECT_SERVICE_HOST', 'DB_CONNECT_SERVICE_PORT', 'PATH'), text),
  value: text,
});

const port = fc.constantFrom('http', 'admin', 'unknown', 8080, 9090, 19_000, 20_000, 0);
const httpGet = fc.record({
  port,
  path: fc.constantFrom('/healthz', 'live?x=1', '/$(reboot)', null, undefined),
  host: fc.constantFrom('', 'example.com', undefined),
});
const probe = fc.oneof(
  fc.record({ httpGet, periodSeconds: fc.constant(5) }),
  fc.record({ grpc: fc.record({ port: fc.constantFrom(50_051, 8080) }) }),
  fc.record({ tcpSocket: fc.record({ port }) }),
  fc.constantFrom(null, { exec: { command: ['true'] } }, { httpGet: null }),
);

const container = fc
  .record({
    livenessProbe: perhaps(probe),
    readinessProbe: perhaps(probe),
    startupProbe: perhaps(probe),
    restartPolicy: fc.constantFrom(undefined, undefined, 'Always'),
    env: perhaps(fc.array(variable, { maxLength: 4 })),
    volumeMounts: perhaps(fc.array(fc.record({ name: text, mountPath: text }), { maxLength: 2 })),
    ports: perhaps(
      fc.array(
        fc.record({
          name: fc.constantFrom('http', 'admin'),
          containerPort: fc.integer({ min: 1, max: 999 }),
        }),
        {
          maxLength: 2,
        },
      ),
    ),
    lifecycle: perhaps(
      fc.record(
        {
          preStop: fc.oneof(
            fc.constantFrom(null, { exec: { command: ['sync'] } }, { sleep: { seconds: 1 } }),
            fc.record({ httpGet }),
          ),
          postStart: fc.oneof(fc.constantFrom(null, { exec: { command: ['true'] } }), fc.record({ httpGet })),
        },
        { requiredKeys: [] },
      ),
    ),
    unknown: unknownFields,
  })
  .map(({ unknown, ...known }) => withoutUndefined({ ...unknown, ...known }));

function containers(minLength: number, maxLength: number, prefix: string) {
  return fc
    .array(container, { minLength, maxLength })
    .map((list) => list.map((each, index) => ({ name: `${prefix}${index}`, ...each })));
}

const asked = fc.record(
  {
    [`${ANNOTATION_PREFIX}connect-service-upstreams`]: fc.constantFrom(
      '',
      'db:1234',
      'db:1234,cache:2345:dc2 prepared_query:q:3456',
    ),
    [`${ANNOTATION_PREFIX}connect-service`]: fc.constantFrom('web', 'web,admin', ' a , b , c '),
    [`${ANNOTATION_PREFIX}connect-service-port`]: fc.constantFrom('1001', '1001,1002', '1001,1002,1003'),
    [`${ANNOTATION_PREFIX}enable-metrics`]: fc.constantFrom('true', 'false'),
    [`${ANNOTATION_PREFIX}connect-inject-mount-volume`]: fc.constantFrom('', 'c0'),
    [`${ANNOTATION_PREFIX}connect-inject-status`]: fc.constant(''),
    [`${ANNOTATION_PREFIX}service-meta-x`]: text,
    [`${ANNOTATION_PREFIX}service-tags`]: text,
    [`${ANNOTATION_PREFIX}transparent-proxy`]: fc.constantFrom('true', 'false'),
    [`${ANNOTATION_PREFIX}transparent-proxy-overwrite-probes`]: fc.constantFrom('true', 'false'),
    [`${ANNOTATION_PREFIX}transparent-proxy-status`]: text,
    'tandem/redirect': text,
    'tandem/drain-seconds': fc.constantFrom('0', '5', '20'),
    'prometheus.io/scrape': fc.constant('false'),
    'tandem/injected': text,
  },
  { requiredKeys: [] },
);

const map = (entries: fc.Arbitrary<object>) =>
  fc
    .tuple(fc.dictionary(oddKey, text, { maxKeys: 4 }), entries)
    .map(([odd, known]) => ({ ...odd, ...known }));

/** A pod that asks for injection, by annotation or not at all; 1 to 50 containers. */
export const arbitraryPod = fc
  .record({
    annotations: perhaps(map(asked)),
    labels: perhaps(map(fc.constant({}))),
    metadata: unknownFields,
    // Large ones now and then: what they take as long as ten others is rarely about how many there are.
    containers: fc.oneof(
      { weight: 15, arbitrary: containers(1, 4, 'c') },
      { weight: 1, arbitrary: containers(1, 50, 'c') },
    ),
    initContainers: perhaps(containers(0, 3, 'i')),
    volumes: perhaps(fc.array(fc.record({ name: text.map((name) => `v${name}`) }), { maxLength: 3 })),
    spec: unknownFields,
    dnsPolicy: fc.constantFrom(undefined, null, 'None', 'ClusterFirst'),
    dnsConfig: perhaps(
      fc.record(
        {
          nameservers: perhaps(fc.array(fc.constantFrom('10.0.0.1', '127.0.0.1'), { maxLength: 1 })),
          searches: perhaps(fc.array(fc.constantFrom('a.example', 'default.svc.x'), { maxLength: 2 })),
          options: perhaps(fc.array(fc.constantFrom({ name: 'ndots', value: '1' }), { maxLength: 1 })),
        },
        { requiredKeys: [] },
      ),
    ),
    bare: fc.constantFrom('metadata', 'null metadata', 'no metadata'),
  })
  .map(
    ({
      annotations: some,
      labels,
      metadata,
      containers: main,
      initContainers,
      volumes,
      spec,
      bare,
      ...dns
    }) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      ...(bare === 'metadata'
        ? { metadata: withoutUndefined({ ...metadata, annotations: some, labels }) }
        : {}),
      ...(bare === 'null metadata' ? { metadata: null } : {}),
      spec: withoutUndefined({ ...spec, containers: main, initContainers, volumes, ...dns }),
    }),
  )
  .map(asJson);

const hostileText = fc.oneof(
  text,
  fc.constantFrom(
    '$(reboot)',
    '`reboot`',
    '"; reboot #',
    "'",
    '\n\n',
    '__proto__',
    '\u0000',
    '${HOME}',
    '[{}]',
    '{"a":',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

/** A pod whose annotations hold anything at all. */
export const hostilePod = fc
  .record({
    known: fc.dictionary(fc.constantFrom(...Object.keys(annotations).map(annotationKey)), hostileText, {
      maxKeys: 12,
    }),
    meta: fc.dictionary(
      hostileText.map((key) => `${ANNOTATION_PREFIX}service-meta-${key}`),
      hostileText,
      { maxKeys: 3 },
    ),
    container,
  })
  .map(({ known, meta, container: only }) => ({
    metadata: {
      annotations: {
        ...known,
        ...meta,
        [`${ANNOTATION_PREFIX}connect-inject`]: 'true',
        [`${ANNOTATION_PREFIX}connect-inject-status`]: '',
      },
    },
    spec: { containers: [{ name: 'c0', ...only }] },
  }))
  .map(asJson);
