import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadDesired } from '../../src/source/load.ts';
import { temporaryDirectory, writeFiles } from './repos.ts';

const document = (kind: string, name: string, spec: string) =>
  `apiVersion: muster/v1\nkind: ${kind}\nmetadata: {${name.includes(':') ? name : `name: ${name}`}}\nspec: ${spec}\n`;

const base = [
  document('Cluster', 'prod', '{}'),
  document('Pod', 'web', '{}'),
  document('Node', 'n1', '{pod: web, engines: {docker: {endpoint: "unix:///run/docker.sock"}}}'),
];

/** `code pointer` of everything that is wrong with the documents, beside a cluster that is in order. */
async function problemsOf(t: TestContext, ...documents: readonly string[]): Promise<readonly string[]> {
  const path = temporaryDirectory(t);
  writeFiles(join(path, 'repo'), { 'a.yaml': base.join('---\n'), 'b.yaml': documents.join('---\n') });
  const { desired, diagnostics } = await loadDesired({
    location: { kind: 'directory', path: join(path, 'repo') },
    cacheDir: join(path, 'cache'),
  });
  assert.equal(
    desired === undefined,
    diagnostics.some(({ severity }) => severity === 'error'),
  );
  for (const { range, message } of diagnostics) assert.ok(range !== undefined, `${message} has no place`);
  return diagnostics.map(({ code, pointer }) => `${code} ${pointer ?? ''}`);
}

const workload = (name: string, spec: string) => document('Workload', name, `{image: a, ${spec}}`);
const node = (name: string, engines: string, more = '') =>
  document('Node', name, `{pod: web, engines: ${engines}${more}}`);

const hostKey = `SHA256:${'A'.repeat(43)}`;
const tcp = 'engines: {docker: {endpoint: "tcp://{name}:1"}}';
const network = document(
  'Network',
  'lan',
  '{subnet: 10.1.0.0/24, gateway: 10.1.0.1, pools: [{name: web, range: 10.1.0.10-10.1.0.20}]}',
);
const diskNode = (name: string, labels: string) =>
  document(
    'Node',
    `name: ${name}, labels: ${labels}`,
    '{pod: web, engines: {docker: {endpoint: "tcp://x:1"}}, capacity: {volumes: [{device: /data1, size: 1TiB}]}}',
  );
/** NUMA nodes of a GiB each. */
const numa = (name: string, capacity: string, cpus: readonly string[]) =>
  node(
    name,
    '{process: {}}',
    `, capacity: {${capacity}, numa: [${cpus.map((list) => `{cpus: "${list}", memory: 1GiB}`).join(', ')}]}`,
  );

const cases: readonly (readonly [promise: string, documents: readonly string[], expected: readonly string[]])[] = [
  [
    'docker tells GPUs apart by number: models on one of its nodes cannot be told apart',
    [node('n2', '{docker: {endpoint: "tcp://x:1"}}', ', capacity: {extended: {gpu/a: 1, gpu/b: 1, fpga/c: 1}}')],
    ['MUS1320 /spec/capacity/extended'],
  ],
  [
    'what docker can do is let pass, what a process cannot is told field by field',
    [
      network,
      node('n2', '{process: {}}'),
      diskNode('n3', '{disk: big}'),
      workload('a', 'resources: {cpu: 2}, cpu: {bind: true}, volumes: [{name: v, mount: /v}], network: {name: lan}'),
      document(
        'Workload',
        'b',
        '{engine: process, command: [x], resources: {cpu: 2, fpga/c: 1}, cpu: {bind: true}, volumes: [{name: v, mount: /v, source: "host:/x"}], network: {name: lan}}',
      ),
    ],
    ['MUS1313 /spec/cpu/bind', 'MUS1313 /spec/volumes/0/source', 'MUS1313 /spec/network/name'],
  ],
  [
    'a transaction that only one workload of the namespace names ties nobody, and is warned of',
    [
      workload('name: a, namespace: shop', 'transaction: release'),
      workload('name: b, namespace: shop', 'transaction: release'),
      workload('name: c, namespace: other', 'transaction: release'),
    ],
    ['MUS1330 /spec/transaction'],
  ],
  [
    'to come after what comes before another member is no cycle; to come after what comes after one is',
    [
      workload('a', 'transaction: t'),
      workload('b', 'transaction: t, after: [x]'),
      workload('x', ''),
      workload('y', 'after: [a]'),
      workload('c', 'transaction: u, after: [b]'),
      workload('d', 'transaction: u'),
      workload('e', 'transaction: v, after: [z]'),
      workload('f', 'transaction: v'),
      workload('z', 'after: [g]'),
      workload('g', 'transaction: w'),
      workload('h', 'transaction: w, after: [f]'),
    ],
    ['MUS1307 /spec/after'],
  ],
  ['a namespace needs no declaration while there is none', [workload('name: a, namespace: shop', '')], []],
  [
    'once a namespace is declared, all have to be',
    [document('Namespace', 'shop', '{}'), workload('name: a, namespace: shpo', '')],
    ['MUS1305 /metadata/namespace'],
  ],
  [
    'the default namespace has to be declared too',
    [document('Namespace', 'shop', '{}'), workload('a', '')],
    ['MUS1305 /metadata/namespace'],
  ],
  ['a workload may wait for one of its own namespace by name', [workload('a', 'after: [b]'), workload('b', '')], []],
  ['a workload cannot wait for itself', [workload('a', 'after: [a]')], ['MUS1307 /spec/after']],
  [
    'one circle is told once',
    [
      workload('a', 'after: [b]'),
      workload('b', 'after: [c]'),
      workload('c', 'after: [a]'),
      workload('d', 'after: [a]'),
    ],
    ['MUS1307 /spec/after'],
  ],
  [
    'two circles are told twice',
    [workload('a', 'after: [b]'), workload('b', 'after: [a]'), workload('c', 'after: [c]')],
    ['MUS1307 /spec/after', 'MUS1307 /spec/after'],
  ],
  [
    'a quota’s scope names what exists',
    [document('Quota', 'q', '{scope: {pod: wbe}, limits: {cpu: 1}}')],
    ['MUS1304 /spec/scope/pod'],
  ],
  [
    'a quota is not its own parent',
    [document('Quota', 'q', '{parent: q, limits: {cpu: 1}}')],
    ['MUS1309 /spec/parent'],
  ],
  [
    'a fixed port cannot be published twice on a node',
    [workload('a', 'ports: [{name: http, port: 80, publish: 80}], placement: {perNode: 2}')],
    ['MUS1311 /spec/ports/0/publish'],
  ],
  [
    'the same port for TCP and UDP is no clash',
    [workload('a', 'ports: [{name: d, port: 53, publish: 53}, {name: u, port: 53, protocol: udp, publish: 53}]')],
    [],
  ],
  [
    'a health check cannot ask an unpublished port',
    [workload('a', 'ports: [{name: http, port: 80, publish: none}], health: {tcp: {port: http}}')],
    ['MUS1310 /spec/health/tcp/port'],
  ],
  [
    'a workload whose engine some node has is fine',
    [node('n2', '{process: {}}'), document('Workload', 'a', '{engine: process, command: [a]}')],
    [],
  ],
  [
    'more cannot be reserved than there is',
    [node('n2', '{process: {}}', ', capacity: {cpu: 1}, reserved: {cpu: 2}')],
    ['MUS1320 /spec/reserved/cpu'],
  ],
  [
    'TLS is only for TCP',
    [node('n2', '{docker: {endpoint: "unix:///s", tls: {credential: x}}}')],
    ['MUS1320 /spec/engines/docker/tls'],
  ],
  [
    'a host that is reached over SSH is known by its key',
    [
      node('n2', '{docker: {endpoint: "ssh://x"}}'),
      node('n3', `{docker: {endpoint: "ssh://x", hostKey: "${hostKey}", credential: far}}`),
      node('n4', `{docker: {endpoint: "unix:///s", hostKey: "${hostKey}", credential: far}}`),
    ],
    [
      'MUS1320 /spec/engines/docker/endpoint',
      'MUS1320 /spec/engines/docker/hostKey',
      'MUS1320 /spec/engines/docker/credential',
    ],
  ],
  [
    'an ssh:// endpoint is a host, and no password is in git',
    [
      node('n2', `{systemd: {endpoint: "ssh://x?a=1", hostKey: "${hostKey}"}}`),
      node('n3', `{systemd: {endpoint: "ssh://x:port", hostKey: "${hostKey}"}}`),
    ],
    ['MUS1320 /spec/engines/systemd/endpoint', 'MUS1320 /spec/engines/systemd/endpoint'],
  ],
  [
    'a unit needs a command, and nothing that only others have',
    [
      node('n2', `{systemd: {endpoint: "ssh://x", hostKey: "${hostKey}"}}`),
      document('Workload', 'a', '{engine: systemd, image: x, docker: {init: true}}'),
      document('Workload', 'b', '{engine: systemd, command: [x], env: {A.B: c}, systemd: {user: www-data, tasks: 5}}'),
    ],
    ['MUS1313 /spec', 'MUS1313 /spec/image', 'MUS1313 /spec/docker', 'MUS1313 /spec/env/A.B'],
  ],
  ['a port range goes up', [node('n2', '{process: {}}', ', ports: {range: 300-200}')], ['MUS1320 /spec/ports/range']],
  [
    'the last line of a disruption rule holds for everything',
    [document('Policy', 'p', '{disruption: [{below: 5, max: 1}]}')],
    ['MUS1320 /spec/disruption/0'],
  ],
  [
    'pools do not overlap',
    [
      document(
        'Network',
        'n',
        '{subnet: 10.0.0.0/24, pools: [{name: a, range: 10.0.0.1-10.0.0.9}, {name: b, range: 10.0.0.9-10.0.0.12}]}',
      ),
    ],
    ['MUS1317 /spec/pools/1/range'],
  ],
  [
    'a subnet begins at its first address',
    [document('Network', 'n', '{subnet: 10.0.0.1/24}')],
    ['MUS1317 /spec/subnet'],
  ],
  [
    'two sets that share nodes are told once',
    ['[1:9]', '[5:12]'].map((range, i) =>
      document(
        'NodeSet',
        `s${i}`,
        `{names: "s${range}", template: {pod: web, engines: {docker: {endpoint: "tcp://{name}:1"}}}}`,
      ),
    ),
    ['MUS1303 /metadata/name'],
  ],
  [
    'an override in git that outlived its day is a warning',
    [
      document(
        'NodeSet',
        's',
        '{names: "s[1:2]", template: {pod: web, engines: {docker: {endpoint: "tcp://{name}:1"}}}, overrides: [{names: s1, lifecycle: offline, until: 2020-01-31}, {names: s2, until: 9999-01-01}]}',
      ),
    ],
    ['MUS1321 /spec/overrides/0/until'],
  ],
  [
    'what a broken document declares is there for those that refer to it',
    [
      document('Pod', 'batch', '{strategyy: fill}'),
      workload('a', 'placement: {pods: [batch]}, after: [b]'),
      workload('b', 'replica: 1'),
    ],
    ['MUS1003 /spec/strategyy', 'MUS1003 /spec/replica'],
  ],
  [
    'a broken document is still a duplicate',
    [workload('a', 'replica: 1'), workload('a', '')],
    ['MUS1003 /spec/replica', 'MUS1303 /metadata/name'],
  ],
  [
    'a volume needs a device on a node that may run it',
    [
      workload('a', 'volumes: [{name: v, mount: /v}]'),
      workload('b', 'volumes: [{name: v, mount: /v, source: "host:/v"}]'),
    ],
    ['MUS1323 /spec/volumes/0'],
  ],
  [
    'a device that a workload names is on a node that may run it',
    [
      diskNode('n2', '{disk: ssd}'),
      workload('a', 'volumes: [{name: v, mount: /v, source: /data1}]'),
      workload('b', 'volumes: [{name: w, mount: /w}, {name: v, mount: /v, source: /data2}]'),
      workload('c', 'volumes: [{name: v, mount: /v, source: /data1}], placement: {require: {disk: hdd}}'),
    ],
    ['MUS1323 /spec/volumes/1/source'],
  ],
  [
    'volumes of the network and of the host are not charged, so nothing is reserved for them',
    [
      workload(
        'a',
        'volumes: [{name: v, mount: /v, source: "nfs://h/x", size: 1GiB, readOnly: true, onRemove: delete}]',
      ),
      workload('b', 'volumes: [{name: v, mount: /v, source: "host:/x", exclusive: true, writeBps: 1MiB}]'),
    ],
    [
      'MUS1323 /spec/volumes/0/size',
      'MUS1323 /spec/volumes/0/onRemove',
      'MUS1323 /spec/volumes/0/exclusive',
      'MUS1323 /spec/volumes/0/writeBps',
    ],
  ],
  [
    'exclusive volumes share one device, each by its size',
    [
      diskNode('n2', '{disk: ssd}').replace('size: 1TiB}', 'size: 1TiB}, {device: /data2, size: 1TiB}'),
      workload('a', 'volumes: [{name: v, mount: /v, exclusive: true}]'),
      workload(
        'b',
        'volumes: [{name: v, mount: /v, exclusive: true, size: 1GiB, source: /data1}, {name: w, mount: /w, exclusive: true, size: 1GiB}]',
      ),
      workload(
        'c',
        'volumes: [{name: v, mount: /v, exclusive: true, size: 1GiB, source: /data1}, {name: w, mount: /w, exclusive: true, size: 1GiB, source: /data2}]',
      ),
      workload(
        'd',
        'volumes: [{name: v, mount: /v, exclusive: true, size: 1GiB}, {name: w, mount: /w, exclusive: true}]',
      ),
    ],
    ['MUS1323 /spec/volumes/1/source', 'MUS1323 /spec/volumes/1'],
  ],
  [
    'a node has a device once',
    [node('n2', '{process: {}}', ', capacity: {volumes: [{device: /d, size: 1TiB}, {device: /d, size: 2TiB}]}')],
    ['MUS1323 /spec/capacity/volumes/1/device'],
  ],
  [
    'cores of NUMA nodes are the node’s, each once',
    [
      numa('n2', 'cpu: 8', ['0-3', '4-7']),
      numa('n3', 'cpu: 8', ['0-3', '3-7']),
      numa('n4', 'cpu: 7.5', ['0-3', '4-8']),
      numa('n5', 'storage: 1', ['0-3', '64-67']),
    ],
    ['MUS1324 /spec/capacity/numa/1/cpus', 'MUS1324 /spec/capacity/numa/1/cpus'],
  ],
  [
    'NUMA nodes have no more memory than the node',
    [numa('n2', 'memory: 4GiB', ['0', '1']), numa('n3', 'memory: 2047MiB', ['0', '1'])],
    ['MUS1324 /spec/capacity/numa'],
  ],
  [
    'a NUMA node can be required for bound cores only',
    [workload('a', 'cpu: {numa: require}'), workload('b', 'cpu: {numa: prefer}')],
    ['MUS1320 /spec/cpu/numa'],
  ],
  [
    'what is bound has cores, and no limit beyond them',
    [
      workload('a', 'cpu: {bind: true}'),
      workload('b', 'cpu: {bind: true}, resources: {cpu: 2}, limits: {cpu: 3}'),
      workload('c', 'cpu: {bind: true}, resources: {cpu: 2}, limits: {cpu: unlimited}'),
      workload('d', 'cpu: {bind: true}, resources: {cpu: 2}, limits: {cpu: 2, memory: unlimited}'),
    ],
    ['MUS1320 /spec/cpu/bind', 'MUS1320 /spec/limits/cpu', 'MUS1320 /spec/limits/cpu'],
  ],
  [
    'more pieces cannot be reserved than there are',
    [node('n2', '{process: {}}', ', capacity: {extended: {gpu/a: 1}}, reserved: {extended: {gpu/a: 2}}')],
    ['MUS1320 /spec/reserved/extended/gpu~1a'],
  ],
  [
    'affinity is to a workload that there is, in the namespace or with one',
    [
      workload('a', 'placement: {affinity: [{to: b}, {to: default/b}], antiAffinity: [{to: a}, {to: shop/b}]}'),
      workload('b', ''),
    ],
    ['MUS1306 /spec/placement/antiAffinity/1/to'],
  ],
  [
    'nothing is near and away at once, unless away is narrower',
    [
      workload('a', 'placement: {affinity: [{to: b, by: zone}], antiAffinity: [{to: default/b, by: node}]}'),
      workload('b', 'placement: {affinity: [{to: c}, {to: a, by: rack}], antiAffinity: [{to: default/a, by: zone}]}'),
      workload('c', 'placement: {affinity: [{to: a}], antiAffinity: [{to: a}]}'),
    ],
    ['MUS1328 /spec/placement/antiAffinity/0', 'MUS1328 /spec/placement/antiAffinity/0'],
  ],
  [
    'a spread has as many domains as it needs, once there are so many replicas',
    [
      node('a1', '{docker: {endpoint: "tcp://a:1"}}', ', zone: a, rack: r1'),
      node('b1', '{docker: {endpoint: "tcp://b:1"}}', ', zone: b, rack: r2'),
      node('c1', '{process: {}}', ', zone: c'),
      workload('a', 'replicas: 9, placement: {spread: [{by: rack, minDomains: 2}, {by: zone, minDomains: 2}]}'),
      workload('b', 'replicas: 9, placement: {spread: {by: zone, minDomains: 3}}'),
      workload('c', 'replicas: 2, placement: {spread: {by: zone, minDomains: 3}}'),
      workload('d', 'replicas: 4, placement: {spread: [{by: zone}, {by: node, minDomains: 4}]}'),
    ],
    ['MUS1327 /spec/placement/spread/minDomains', 'MUS1327 /spec/placement/spread/1/minDomains'],
  ],
  [
    'nodes that a workload may not use are no domains of it',
    [
      document(
        'NodeSet',
        's',
        `{names: "s[1:3]", zone: "{1}", template: {pod: web, ${tcp}, labels: {disk: ssd}, taints: [{key: gpu}]}}`,
      ),
      workload(
        'a',
        'replicas: 3, placement: {require: {disk: ssd}, tolerate: [{key: gpu}], spread: {by: zone, minDomains: 3}}',
      ),
      workload('b', 'replicas: 3, placement: {tolerate: [{key: gpu, value: x}], spread: {by: zone}}'),
    ],
    ['MUS1327 /spec/placement/spread/by'],
  ],
  [
    'two rules of one kind are one too many',
    [workload('a', 'placement: {spread: [{by: node}, {by: node}]}')],
    ['MUS1320 /spec/placement/spread/1'],
  ],
  [
    'nothing is spread over zones that no node names',
    [workload('a', 'placement: {spread: {by: zone}}')],
    ['MUS1327 /spec/placement/spread/by'],
  ],
  [
    'a network and its pool are declared',
    [
      network,
      workload('a', 'network: {name: lan, pool: web}'),
      workload('b', 'network: {name: lan, pool: wbe}'),
      workload('c', 'network: {name: wan}'),
    ],
    ['MUS1325 /spec/network/pool', 'MUS1325 /spec/network/name'],
  ],
  [
    'what a broken network is like is not asked',
    [
      document('Network', 'lan', '{subnet: 10.1.0.0/24, gatewy: 10.1.0.1}'),
      workload('a', 'network: {name: lan, pool: web}'),
    ],
    ['MUS1003 /spec/gatewy'],
  ],
  [
    'a fixed address is one that an instance in the network can have',
    [
      network,
      workload('a', 'network: {name: lan, ip: 10.1.1.7}'),
      workload('b', 'network: {name: lan, ip: 10.1.0.1}'),
      workload('c', 'network: {name: lan, ip: 10.1.0.0}'),
      workload('d', 'network: {name: lan, ip: 10.1.0.255}'),
      workload('e', 'network: {name: lan, ip: 10.1.0.254}'),
      workload('f', 'network: {name: lan, ip: 10.1.0.9, pool: web}'),
    ],
    [
      'MUS1317 /spec/network/ip',
      'MUS1317 /spec/network/ip',
      'MUS1317 /spec/network/ip',
      'MUS1317 /spec/network/ip',
      'MUS1320 /spec/network/pool',
    ],
  ],
  [
    'an address is for one instance',
    [
      network,
      document('Network', 'other', '{subnet: 10.1.0.0/24}'),
      workload('a', 'network: {name: lan, ip: 10.1.0.7}'),
      workload('b', 'network: {name: lan, ip: 10.1.0.7}'),
      workload('c', 'network: {name: other, ip: 10.1.0.7}'),
      workload('f', 'network: {name: other, ip: 10.1.0.6}'),
      workload('d', 'replicas: 2, network: {name: lan, ip: 10.1.0.8}'),
      workload('e', 'type: daemon, network: {name: lan, ip: 10.1.0.9}'),
    ],
    ['MUS1326 /spec/network/ip', 'MUS1326 /spec/network/ip', 'MUS1326 /spec/network/ip', 'MUS1326 /spec/network/ip'],
  ],
  [
    'a gateway is a machine, and pools have names of their own',
    [
      document('Network', 'a', '{subnet: 10.0.0.0/24, gateway: 10.0.0.255}'),
      document(
        'Network',
        'b',
        '{subnet: 10.0.0.0/24, pools: [{name: p, range: 10.0.0.1-10.0.0.2}, {name: p, range: 10.0.0.3-10.0.0.4}]}',
      ),
    ],
    ['MUS1317 /spec/gateway', 'MUS1320 /spec/pools/1/name'],
  ],
  ['what is removed may stay named', [document('Refactor', 'r', '{removed: [{from: old/api}]}')], []],
];

for (const [promise, documents, expected] of cases) {
  test(promise, async (t) => {
    assert.deepEqual(await problemsOf(t, ...documents), expected);
  });
}
