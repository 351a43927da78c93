import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RevisionVolume } from '../../src/model/revision.ts';
import { schemas as generatedSchemas } from '../../src/source/generated/schemas.ts';
import { loadDesired } from '../../src/source/load.ts';
import { normalise } from '../../src/source/normalise.ts';
import { documentsOf, normaliseText } from './documents.ts';
import { temporaryDirectory, writeFiles } from './repos.ts';

const workload = (spec: string) =>
  `apiVersion: muster/v1\nkind: Workload\nmetadata: {name: a, namespace: shop}\nspec:\n${spec.replaceAll(/^/gm, '  ')}\n`;

async function workloadOf(spec: string) {
  const { declarations, problems } = await normaliseText(workload(spec));
  assert.deepEqual(problems, []);
  const item = declarations.workloads[0]?.item;
  assert.ok(item !== undefined);
  return item;
}

test('a workload of two lines has all the defaults', async () => {
  const { declaredAt: _, revisionHash, ...rest } = await workloadOf('image: registry/a:1');
  assert.match(revisionHash, /^[0-9a-f]{16}$/);
  assert.deepEqual(rest, {
    id: 'shop/a',
    namespace: 'shop',
    name: 'a',
    labels: {},
    type: 'stateless',
    replicas: 1,
    revision: {
      engine: 'docker',
      image: 'registry/a:1',
      command: [],
      args: [],
      env: {},
      resources: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, bandwidthBits: 0, extended: {} },
      limits: { cpuMillis: 'unlimited', memoryBytes: 'unlimited' },
      ports: [],
      stop: { signal: 'SIGTERM', graceMs: 30_000, delayMs: 0 },
      restart: 'on-failure',
    },
    after: [],
    placement: { pods: [], require: {}, tolerate: [], partial: true },
    update: {
      groups: [{ kind: 'percent', percent: 100 }],
      observeMs: 0,
      order: 'auto',
      maxSurge: { kind: 'policy' },
      healthyDeadlineMs: 300_000,
    },
    maxUnavailable: { kind: 'policy' },
    onLost: 'auto',
    priority: 1000,
  });
});

test('every field of a workload reaches the model in its unit', async () => {
  const item = await workloadOf(`
type: stateful
image: a:1
command: [/bin/a]
args: ["--port", "$(PORT_HTTP)"]
docker: {init: true, user: "1000", workingDir: /srv, readOnly: true}
env: {B: text, A: 1}
replicas: 12
resources: {cpu: 500m, memory: 512MiB, storage: 2GiB, bandwidth: 100Mbit, gpu/a100: 1, gpu/v100|t4|v100: 500m, tpu/*: 2}
limits: {memory: 1GiB}
cpu: {bind: true, numa: require}
volumes:
  - {name: tls, mount: /etc/ssl, source: "host:/etc/ssl", readOnly: true}
  - {name: data, mount: /data, size: 10GiB, source: /data1, exclusive: true, readOnly: true, onRemove: delete, readIops: 1, writeIops: 2, readBps: 3KiB, writeBps: 4}
  - {name: media, mount: /media, source: "nfs://10.0.0.9/exports/media"}
network: {name: prod, pool: web}
ports: [{name: http, port: 8080, publish: 31000}, {name: admin, port: 9090, protocol: udp, publish: none}]
health: {http: {port: 8080, path: /healthz}, interval: 1s, timeout: 500ms, healthyAfter: 1, unhealthyAfter: 5}
after: [db, other/queue]
placement:
  pods: [web, batch]
  strategy: drained
  require: {disk: ssd}
  prefer: [{labels: {b: "1", a: "2"}}, {labels: {a: "1"}, weight: 7}]
  spread: [{by: zone, minDomains: 2}, {by: rack}]
  affinity: [{to: db, by: zone, required: true}, {to: other/cache}]
  antiAffinity: [{to: a}]
  tolerate: [{key: pool, value: x}]
  partial: false
  perNode: 2
update: {groups: [1, 10%], observe: 2m, order: stop-first, maxSurge: 1, healthyDeadline: 30s}
disruption: {maxUnavailable: quorum}
onLost: wait
stop: {signal: SIGINT, grace: 5s, delay: 1s}
restart: always
priority: offline
preemption: lower`);
  assert.deepEqual(item.revision, {
    engine: 'docker',
    image: 'a:1',
    command: ['/bin/a'],
    args: ['--port', '$(PORT_HTTP)'],
    env: { A: '1', B: 'text' },
    resources: {
      cpuMillis: 500,
      memoryBytes: 536_870_912,
      storageBytes: 2_147_483_648,
      bandwidthBits: 100_000_000,
      extended: { 'gpu/a100': 1000, 'gpu/t4|v100': 500, 'tpu/*': 2000 },
    },
    limits: { cpuMillis: 500, memoryBytes: 1_073_741_824 },
    cpu: { bind: true, numa: 'require' },
    volumes: [
      {
        name: 'data',
        mount: '/data',
        sizeBytes: 10_737_418_240,
        source: { kind: 'device', device: '/data1' },
        exclusive: true,
        readOnly: true,
        onRemove: 'delete',
        readIops: 1,
        writeIops: 2,
        readBps: 3072,
        writeBps: 4,
      },
      volume({ name: 'media', mount: '/media', source: { kind: 'network', target: 'nfs://10.0.0.9/exports/media' } }),
      volume({ name: 'tls', mount: '/etc/ssl', source: { kind: 'host', path: '/etc/ssl' }, readOnly: true }),
    ],
    network: { name: 'prod', ip: 'keep', pool: 'web' },
    ports: [
      { name: 'admin', port: 9090, protocol: 'udp', publish: 'none' },
      { name: 'http', port: 8080, protocol: 'tcp', publish: 31_000 },
    ],
    health: {
      probe: { kind: 'http', port: 'http', path: '/healthz' },
      intervalMs: 1000,
      timeoutMs: 500,
      healthyAfter: 1,
      unhealthyAfter: 5,
    },
    stop: { signal: 'SIGINT', graceMs: 5000, delayMs: 1000 },
    restart: 'always',
    priority: 100,
    options: { init: true, user: '1000', workingDir: '/srv', readOnly: true },
  });
  assert.deepEqual(item.after, ['other/queue', 'shop/db']);
  assert.deepEqual(item.placement, {
    pods: ['batch', 'web'],
    strategy: 'drained',
    require: { disk: 'ssd' },
    prefer: [
      { labels: { a: '1' }, weight: 7 },
      { labels: { a: '2', b: '1' }, weight: 1 },
    ],
    spread: [
      { by: 'rack', minDomains: 1 },
      { by: 'zone', minDomains: 2 },
    ],
    affinity: [
      { to: 'other/cache', by: 'node', required: false },
      { to: 'shop/db', by: 'zone', required: true },
    ],
    antiAffinity: [{ to: 'shop/a', by: 'node', required: false }],
    tolerate: [{ key: 'pool', value: 'x' }],
    partial: false,
    perNode: 2,
  });
  assert.deepEqual(item.update, {
    groups: [
      { kind: 'count', count: 1 },
      { kind: 'percent', percent: 10 },
      { kind: 'percent', percent: 100 },
    ],
    observeMs: 120_000,
    order: 'stop-first',
    maxSurge: { kind: 'count', count: 1 },
    healthyDeadlineMs: 30_000,
  });
  assert.deepEqual(
    [item.type, item.replicas, item.maxUnavailable, item.onLost, item.priority, item.preemption],
    ['stateful', 12, { kind: 'quorum' }, 'wait', 100, 'lower'],
  );
});

/** A volume of which a document says no more than it must. */
const volume = (said: Partial<RevisionVolume>): RevisionVolume => ({
  name: 'data',
  mount: '/data',
  sizeBytes: 0,
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove: 'keep',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
  ...said,
});

test('the smallest volume, network and binding have all the defaults', async () => {
  const { revision } = await workloadOf(
    'image: a\nresources: {cpu: 2}\ncpu: {bind: true}\nvolumes: [{name: data, mount: /data}]\nnetwork: {name: prod}',
  );
  assert.deepEqual(revision.volumes, [volume({})]);
  assert.deepEqual(revision.network, { name: 'prod', ip: 'pool' });
  assert.deepEqual(revision.cpu, { bind: true, numa: 'prefer' });
});

test('an address belongs to the ordinal where the identity does', async () => {
  const ipOf = async (type: string) =>
    (await workloadOf(`image: a\ntype: ${type}\nnetwork: {name: prod}`)).revision.network?.ip;
  assert.deepEqual(await Promise.all(['stateless', 'daemon', 'stateful', 'static'].map(ipOf)), [
    'pool',
    'pool',
    'keep',
    'keep',
  ]);
});

test('the revision of what was there before this version could say more is still the same', async () => {
  const { revisionHash } = await workloadOf('image: registry/a:1');
  assert.equal(revisionHash, 'ce21f29b65c3b1a3');
  const long = await workloadOf(`image: registry/checkout:1.4
command: [/bin/checkout]
args: ["--port", "$(PORT_HTTP)"]
env: {LOG_LEVEL: info, A: 1}
replicas: 3
resources: {cpu: 500m, memory: 512MiB, storage: 2GiB, bandwidth: 100Mbit}
limits: {cpu: unlimited, memory: 1GiB}
ports: [{name: http, port: 8080}, {name: admin, port: 9090, publish: none}]
health: {http: {port: http, path: /healthz}, interval: 1s}
stop: {signal: SIGINT, grace: 5s}
docker: {init: true}`);
  assert.equal(long.revisionHash, 'f94b9988108b78d6');
});

test('a limit that is not given is what is reserved', async () => {
  const { revision } = await workloadOf('image: a\nresources: {cpu: 1.15, memory: 1GB}');
  assert.deepEqual(revision.limits, { cpuMillis: 1150, memoryBytes: 1_000_000_000 });
});

test('what has a limit and says nothing of what it reserves, reserves the limit; nothing where it says nothing, or 0', async () => {
  const reserved = async (text: string): Promise<readonly number[]> => {
    const { cpuMillis, memoryBytes } = (await workloadOf(`image: a\n${text}`)).revision.resources;
    return [cpuMillis, memoryBytes];
  };
  assert.deepEqual(await reserved('limits: {cpu: 2, memory: 1GB}'), [2000, 1_000_000_000]);
  assert.deepEqual(await reserved('limits: {cpu: 2, memory: 1GB}\nresources: {cpu: 1}'), [1000, 1_000_000_000]);
  assert.deepEqual(await reserved('limits: {cpu: 2, memory: unlimited}\nresources: {cpu: 0}'), [0, 0]);
  assert.deepEqual(await reserved('replicas: 1'), [0, 0]);
});

test('only what an allocation is made from is in its revision', async () => {
  const base = await workloadOf('image: a');
  const same = [
    'replicas: 5',
    'priority: online',
    'hooks: {}',
    'update: {observe: 1m}',
    'placement: {pods: [x]}',
    'after: [b]',
    'onLost: wait',
    'preemption: lower',
    'placement: {spread: {by: zone}, prefer: [{labels: {a: b}}], antiAffinity: [{to: a}]}',
  ];
  for (const field of same)
    assert.equal((await workloadOf(`image: a\n${field}`)).revisionHash, base.revisionHash, field);
  const other = [
    'args: [x]',
    'env: {A: b}',
    'resources: {cpu: 1}',
    'limits: {cpu: 1}',
    'stop: {grace: 1s}',
    'restart: never',
    'priority: offline',
    'hooks: {beforeStop: {command: [x]}}',
    'files: [{path: /a, content: x}]',
    'docker: {init: true}',
    'resources: {gpu/a100: 0.5}',
    'volumes: [{name: data, mount: /data}]',
    'network: {name: prod}',
  ];
  for (const field of other)
    assert.notEqual((await workloadOf(`image: a\n${field}`)).revisionHash, base.revisionHash, field);
});

test('quantities that are written differently and mean the same make the same revision', async () => {
  const one = await workloadOf(
    'image: a\nresources: {cpu: 500m, memory: 512MiB, gpu/a100|v100: 0.5}\nstop: {grace: 90s}\nvolumes: [{name: b, mount: /b}, {name: a, mount: /a}]',
  );
  const two = await workloadOf(
    'image: a\nstop: {grace: 1m30s}\nresources: {memory: 536870912, cpu: 0.5, gpu/v100|a100: 500m}\nvolumes: [{name: a, mount: /a, source: auto}, {name: b, mount: /b, size: 0}]',
  );
  assert.equal(one.revisionHash, two.revisionHash);
});

test('writing the defaults out changes nothing', async () => {
  const written = await workloadOf(`image: a
type: stateless
engine: docker
docker: {init: false, readOnly: false}
args: []
env: {}
replicas: 1
ports: [{name: http, port: 80, protocol: tcp, publish: auto}]
health: {http: {port: http, path: /}, interval: 5s, timeout: 2s, healthyAfter: 2, unhealthyAfter: 3}
after: []
placement: {pods: [], prefer: [], spread: [], affinity: [], antiAffinity: [], tolerate: [], partial: true}
update: {groups: [100%], observe: 0s, order: auto, maxSurge: policy, healthyDeadline: 5m, onFailure: rollback}
disruption: {maxUnavailable: policy}
onLost: auto
stop: {signal: SIGTERM, grace: 30s, delay: 0s}
hooks: {}
restart: on-failure
cpu: {bind: false, numa: prefer}
volumes: []
preemption: never
priority: online`);
  const short = await workloadOf('image: a\nports: [{name: http, port: 80}]\nhealth: {http: {port: http}}');
  assert.deepEqual(written, short);
});

test('a cluster of `spec: {}` has all the defaults', async () => {
  const { declarations } = await normaliseText(
    'apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: prod}\nspec: {}\n',
  );
  assert.deepEqual(declarations.clusters[0]?.item, {
    name: 'prod',
    drift: { changed: 'heal', orphan: 'report', ignoreFields: [] },
    prune: { stopAfterMs: 600_000, deleteAfterMs: 86_400_000, max: { sharePercent: 10, atLeast: 3 } },
    apply: { parallelism: 32, perNode: 4 },
  });
});

test('quotas, policies and nodes keep what they say, zeros too', async () => {
  const { declarations, problems } = await normaliseText(`
apiVersion: muster/v1
kind: Quota
metadata: {name: q}
spec: {scope: {namespace: shop, pod: web}, parent: all, limits: {cpu: 1.5, storage: 0, instances: 4, gpu/a100: 2.5}, drainToQuota: true}
---
apiVersion: muster/v1
kind: Policy
metadata: {name: careful}
spec: {scope: {namespaces: [shop, "pay*"]}, disruption: [{upTo: 3, max: 0}, {max: 5%}], require: [{spread: {minDomains: 3, by: rack}}]}
---
apiVersion: muster/v1
kind: Node
metadata: {name: web-1.example, labels: {disk: ssd}}
spec:
  pod: web
  zone: a
  lifecycle: cordoned
  engines: {docker: {endpoint: "tcp://10.0.0.1:2376", publishAddress: 10.0.0.1, tls: {credential: ops}}}
  capacity:
    cpu: 32
    storage: 0
    extended: {gpu/a100: 4}
    numa: [{cpus: "0-7,16-23", memory: 64GiB}, {cpus: "8-15, 24-31", memory: 32GiB}]
    volumes: [{device: /data2, size: 1TiB}, {device: /data1, size: 2TiB, readIops: 80000, writeIops: 4, readBps: 1GiB, writeBps: 1}]
  reserved: {cpu: 1, extended: {gpu/a100: 1}}
  overcommit: {cpu: 2.5}
  ports: {range: 30000-30010}
  drain: {deadline: 2026-12-01T06:00:00+01:00, force: true}
`);
  assert.deepEqual(problems, []);
  assert.deepEqual(declarations.quotas[0]?.item, {
    name: 'q',
    namespace: 'shop',
    pod: 'web',
    parent: 'all',
    limits: { cpuMillis: 1500, storageBytes: 0, 'gpu/a100': 2500, instances: 4 },
    drainToQuota: true,
  });
  assert.deepEqual(declarations.policies[0]?.item.disruption, [
    { upTo: 3, max: { kind: 'count', count: 0 } },
    { max: { kind: 'percent', percent: 5 } },
  ]);
  assert.deepEqual(declarations.policies[0]?.item.require, [
    { spread: { by: 'rack', minDomains: 3 }, replicasFrom: 2 },
  ]);
  assert.deepEqual(declarations.nodes[0]?.item, {
    name: 'web-1.example',
    pod: 'web',
    zone: 'a',
    labels: { disk: 'ssd' },
    lifecycle: 'cordoned',
    engines: {
      docker: { endpoint: 'tcp://10.0.0.1:2376', publishAddress: '10.0.0.1', tls: { credential: 'ops' } },
    },
    capacity: { cpuMillis: 32_000, storageBytes: 0, 'gpu/a100': 4000 },
    reserved: { cpuMillis: 1000, 'gpu/a100': 1000 },
    numa: [
      { cpus: [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23], memoryBytes: 68_719_476_736 },
      { cpus: [8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31], memoryBytes: 34_359_738_368 },
    ],
    disks: [
      {
        device: '/data1',
        sizeBytes: 2_199_023_255_552,
        readIops: 80_000,
        writeIops: 4,
        readBps: 1_073_741_824,
        writeBps: 1,
      },
      { device: '/data2', sizeBytes: 1_099_511_627_776 },
    ],
    overcommitCpuMilli: 2500,
    taints: [],
    portRange: { first: 30_000, last: 30_010 },
    portDomain: 'web-1.example',
    drain: { deadline: Date.UTC(2026, 11, 1, 5), force: true },
  });
});

test('a policy that only forces a spread leaves the budgets to wider policies', async () => {
  const policy =
    'apiVersion: muster/v1\nkind: Policy\nmetadata: {name: p}\nspec: {require: [{spread: {by: zone, minDomains: 2}}]}\n';
  const { declarations } = await normaliseText(policy);
  assert.deepEqual(declarations.policies[0]?.item, {
    name: 'p',
    namespaces: ['*'],
    disruption: [],
    require: [{ spread: { by: 'zone', minDomains: 2 }, replicasFrom: 2 }],
  });
});

const repoDocuments = [
  'kind: Cluster\nmetadata: {name: prod}\nspec: {}\n',
  'kind: Pod\nmetadata: {name: web}\n',
  'kind: Pod\nmetadata: {name: batch}\n',
  'kind: Namespace\nmetadata: {name: shop}\n',
  'kind: NodeSet\nmetadata: {name: w}\nspec: {names: "w-[1:3]", template: {pod: web, engines: {process: {root: "{name}"}}}}\n',
  'kind: Node\nmetadata: {name: b-1}\nspec: {pod: batch, engines: {docker: {endpoint: "unix:///run/docker.sock"}}}\n',
  'kind: Quota\nmetadata: {name: all}\nspec: {limits: {cpu: 9}}\n',
  'kind: Quota\nmetadata: {name: shop}\nspec: {parent: all, limits: {cpu: 4}}\n',
  'kind: Workload\nmetadata: {name: a, namespace: shop}\nspec: {image: a, after: [b]}\n',
  'kind: Workload\nmetadata: {name: b, namespace: shop}\nspec: {engine: process, command: [b]}\n',
].map((text) => `apiVersion: muster/v1\n${text}`);

test('the order of documents and files changes nothing', async (t) => {
  const base = temporaryDirectory(t);
  const loadOrder = async (documents: readonly string[], split: number, run: number) => {
    const path = join(base, String(run));
    writeFiles(path, {
      'a.yaml': documents.slice(0, split).join('---\n'),
      'b.yaml': documents.slice(split).join('---\n'),
    });
    const { desired, diagnostics } = await loadDesired({
      location: { kind: 'directory', path },
      cacheDir: join(base, 'cache'),
    });
    assert.deepEqual(diagnostics, []);
    // Where a workload is declared is the one thing that may differ.
    return JSON.stringify(desired, (key, value: unknown) => (key === 'declaredAt' ? undefined : value));
  };
  const expected = await loadOrder(repoDocuments, 4, 0);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray(repoDocuments, { minLength: repoDocuments.length }),
      fc.nat({ max: repoDocuments.length }),
      async (documents, split) => {
        run += 1;
        assert.equal(await loadOrder(documents, split, run), expected);
      },
    ),
    { numRuns: 25 },
  );
});

test('mistakes of single documents are found with the place of the value', async () => {
  const text = workload(
    'image: a\nresources: {cpu: 1.00001}\nhealth: {tcp: {port: http}, exec: {command: [x]}}\nlimits: {memory: 1MiBB}',
  );
  const { problems } = normalise(await documentsOf(text));
  assert.deepEqual(problems.map(({ code, pointer }) => `${code} ${pointer}`).sort(), [
    'MUS1006 /spec/limits/memory',
    'MUS1006 /spec/resources/cpu',
    'MUS1310 /spec/health/tcp/port',
    'MUS1314 /spec/health',
  ]);
});

const schemas = generatedSchemas as Readonly<Record<string, Schema>>;

interface Schema {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly 'x-muster-since'?: string;
}

/** Fields below `schema` that have a default, as paths; not those inside of lists. */
function defaultsOf(schema: Schema, path: readonly string[] = []): readonly (readonly [readonly string[], unknown])[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    if (field['x-muster-since'] !== undefined) return [];
    const own = field.default === undefined ? [] : [[[...path, name], field.default] as const];
    return [...own, ...defaultsOf(field, [...path, name])];
  });
}

function withField(value: unknown, [name, ...rest]: readonly string[], field: unknown): unknown {
  if (name === undefined) return field;
  const map = (value ?? {}) as Readonly<Record<string, unknown>>;
  return { ...map, [name]: withField(map[name], rest, field) };
}

const systemd = { endpoint: 'ssh://a', hostKey: `SHA256:${'A'.repeat(43)}` };
const bases: Readonly<Record<string, unknown>> = {
  Cluster: { store: { etcd: { endpoints: ['http://127.0.0.1:2379'] } } },
  Policy: {},
  Pod: {},
  Network: { subnet: '10.0.0.0/8' },
  Node: { pod: 'p', engines: { process: {}, systemd } },
  NodeSet: { names: 'n[1:2]', template: { pod: 'p', engines: { process: {}, systemd } } },
  Workload: { image: 'a', ports: [{ name: 'http', port: 80 }], health: { http: { port: 'http' } } },
  Refactor: {},
};

for (const [kind, base] of Object.entries(bases)) {
  test(`every default that the schema of ${kind} states is what happens without it`, async () => {
    const spec = schemas[kind]?.properties?.['spec'];
    assert.ok(spec !== undefined, kind);
    const itemsOf = async (value: unknown) => {
      const text = JSON.stringify({ apiVersion: 'muster/v1', kind, metadata: { name: 'a' }, spec: value });
      const { declarations, problems } = await normaliseText(text);
      assert.deepEqual(problems, []);
      return Object.values(declarations).flatMap((declared: readonly { readonly item: unknown }[]) =>
        declared.map(({ item }) => item),
      );
    };
    const expected = await itemsOf(base);
    const defaults = defaultsOf(spec).filter(
      ([[field = '']]) => !Array.isArray((base as Readonly<Record<string, unknown>>)[field]),
    );
    assert.ok(defaults.length > 0, `${kind} has no defaults`);
    for (const [path, value] of defaults) {
      assert.deepEqual(
        await itemsOf(withField(base, path, value)),
        expected,
        `spec.${path.join('.')}: ${JSON.stringify(value)}`,
      );
    }
  });
}
