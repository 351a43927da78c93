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

const cases: readonly (readonly [promise: string, documents: readonly string[], expected: readonly string[]])[] = [
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
    'Docker over SSH is not there yet',
    [node('n2', '{docker: {endpoint: "ssh://x"}}')],
    ['MUS1007 /spec/engines/docker/endpoint'],
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
  ['what is removed may stay named', [document('Refactor', 'r', '{removed: [{from: old/api}]}')], []],
];

for (const [promise, documents, expected] of cases) {
  test(promise, async (t) => {
    assert.deepEqual(await problemsOf(t, ...documents), expected);
  });
}
