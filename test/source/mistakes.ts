/** Every mistake on its own, as a small config repo: what differs from `goodRepo`. */
export interface Mistake {
  /** Also the name of the golden file. */
  readonly name: string;
  /** The code that has to be among the diagnostics. */
  readonly code: string;
  /** Path → text; `undefined` leaves a file of the good repo out. */
  readonly files: Readonly<Record<string, string | Uint8Array | undefined>>;
  /** Path → where a symbolic link there points. */
  readonly links?: Readonly<Record<string, string>>;
  /** The directory that is loaded. */
  readonly at?: string;
}

const document = (kind: string, name: string, spec: string): string =>
  `apiVersion: muster/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

const cluster = (spec = '{}'): string => document('Cluster', 'test', spec);
const pod = document('Pod', 'web', '{}');
const nodeSpec = 'pod: web, engines: {process: {root: nodes/n1}}, capacity: {cpu: 4, memory: 4GiB}';
const node = document('Node', 'n1', `{${nodeSpec}}`);

/** A workload with these lines below `spec:`. */
const workload = (...lines: readonly string[]): string =>
  [
    'apiVersion: muster/v1',
    'kind: Workload',
    'metadata:',
    '  name: shop',
    'spec:',
    '  engine: process',
    ...lines.map((line) => `  ${line}`),
    '',
  ].join('\n');

const good = workload('command: [./serve]', 'replicas: 2');

export const goodRepo: Readonly<Record<string, string>> = {
  'cluster.yaml': cluster(),
  'pods/web.yaml': pod,
  'nodes/n1.yaml': node,
  'workloads/shop.yaml': good,
};

const inWorkload = (name: string, code: string, ...lines: readonly string[]): Mistake => ({
  name,
  code,
  files: { 'workloads/shop.yaml': workload('command: [./serve]', ...lines) },
});

const inFile = (name: string, code: string, path: string, text: string): Mistake => ({
  name,
  code,
  files: { [path]: text },
});

const lan = document(
  'Network',
  'lan',
  '{subnet: 10.1.0.0/16, gateway: 10.1.0.1, pools: [{name: web, range: 10.1.2.0-10.1.3.255}]}',
);

const dockerNode = node.replace('engines: {', 'engines: {docker: {endpoint: "tcp://n1:2376"}, ');
const dockerWorkload = (...lines: readonly string[]): string =>
  workload('image: registry.local/shop:1', ...lines).replace('engine: process', 'engine: docker');

const inDocker = (name: string, code: string, ...lines: readonly string[]): Mistake => ({
  name,
  code,
  files: { 'nodes/n1.yaml': dockerNode, 'workloads/shop.yaml': dockerWorkload(...lines) },
});

const inNetwork = (name: string, code: string, ...lines: readonly string[]): Mistake => ({
  name,
  code,
  files: { ...inDocker(name, code, ...lines).files, 'net.yaml': lan },
});

const withName = (name: string): string => good.replace('name: shop', `name: ${name}`);

export const mistakes: readonly Mistake[] = [
  // Text
  inFile('tab-indentation', 'MUS1001', 'workloads/shop.yaml', good.replace('  replicas', '\treplicas')),
  inFile(
    'merge-conflict-markers',
    'MUS1001',
    'workloads/shop.yaml',
    good.replace('  replicas: 2', '<<<<<<< HEAD\n  replicas: 2\n=======\n  replicas: 3\n>>>>>>> feature'),
  ),
  inFile('unclosed-quote', 'MUS1001', 'workloads/shop.yaml', workload('command: ["./serve]', 'replicas: 2')),
  inFile('unclosed-bracket', 'MUS1001', 'workloads/shop.yaml', workload('command: [./serve', 'replicas: 2')),
  inFile('bad-indentation', 'MUS1001', 'workloads/shop.yaml', workload('command: [./serve]', ' replicas: 2')),
  inWorkload('colon-in-text', 'MUS1001', 'env:', '  GREETING: hello: world'),
  inWorkload('unknown-tag', 'MUS1001', 'env: {A: !secret x}'),
  inWorkload('unknown-alias', 'MUS1001', 'env: *common'),
  inWorkload('duplicate-key', 'MUS1002', 'replicas: 2', 'replicas: 3'),
  inFile(
    'alias-bomb',
    'MUS1010',
    'bomb.yaml',
    [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...'bcdefgh'
        .split('')
        .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefg'[index]}`).join(', ')}]`),
      '',
    ].join('\n'),
  ),
  inFile('too-deep', 'MUS1010', 'deep.yaml', `a: ${'['.repeat(100)}${']'.repeat(100)}\n`),
  inFile('too-many-documents', 'MUS1010', 'many.yaml', '---\na: 1\n'.repeat(1001)),
  inFile('file-too-large', 'MUS1108', 'large.yaml', `# ${'x'.repeat(1024 * 1024)}\n`),
  {
    name: 'invalid-utf8',
    code: 'MUS1111',
    files: { 'workloads/shop.yaml': Buffer.from(good.replace('./serve', './caf\u00e9'), 'latin1') },
  },
  inFile('top-level-list', 'MUS1009', 'list.yaml', '- a\n- b\n'),
  inFile('file-of-another-tool', 'MUS1009', 'docker-compose.yaml', 'services:\n  web: {image: nginx}\n'),
  // Identity
  inFile('wrong-api-version', 'MUS1009', 'workloads/shop.yaml', good.replace('muster/v1', 'apps/v1')),
  inFile('unknown-kind', 'MUS1008', 'workloads/shop.yaml', good.replace('Workload', 'Worklaod')),
  inFile('kubernetes-kind', 'MUS1008', 'workloads/shop.yaml', good.replace('Workload', 'Deployment')),
  inFile('missing-kind', 'MUS1005', 'workloads/shop.yaml', good.replace('kind: Workload\n', '')),
  inFile('missing-name', 'MUS1005', 'workloads/shop.yaml', good.replace('  name: shop', '  labels: {a: b}')),
  inFile('bad-name', 'MUS1004', 'workloads/shop.yaml', withName('Shop_1')),
  inFile('missing-spec', 'MUS1005', 'nodes/n1.yaml', 'apiVersion: muster/v1\nkind: Node\nmetadata: {name: n1}\n'),
  // Keys and values
  inWorkload('unknown-key', 'MUS1003', 'replica: 2'),
  inWorkload('key-at-the-wrong-level', 'MUS1003', 'path: /healthz'),
  inWorkload('unknown-key-without-a-near-one', 'MUS1003', 'xyzzy: 1'),
  inWorkload('wrong-type-text-for-number', 'MUS1004', 'replicas: "2"'),
  inWorkload('wrong-type-map-for-list', 'MUS1004', 'ports: {http: 80}'),
  inWorkload('empty-value', 'MUS1004', 'replicas:'),
  inFile('text-for-list', 'MUS1004', 'workloads/shop.yaml', workload('command: ./serve')),
  inWorkload('negative-replicas', 'MUS1004', 'replicas: -1'),
  inWorkload('fractional-replicas', 'MUS1004', 'replicas: 1.5'),
  inWorkload('integer-over-2-to-53', 'MUS1004', 'replicas: 9007199254740993'),
  inWorkload('strategy-unknown', 'MUS1004', 'placement: {strategy: spred}'),
  inFile('engine-unknown', 'MUS1004', 'workloads/shop.yaml', good.replace('engine: process', 'engine: dokcer')),
  inWorkload('unit-unknown', 'MUS1006', 'resources: {memory: 512MiBs}'),
  inWorkload('unit-of-another-dimension', 'MUS1006', 'resources: {cpu: 512MiB}'),
  inWorkload('cores-too-precise', 'MUS1006', 'resources: {cpu: 1.0005}'),
  inWorkload('bad-duration', 'MUS1006', 'stop: {grace: 30 seconds}'),
  inWorkload('duration-without-unit', 'MUS1006', 'stop: {grace: 30}'),
  inWorkload('percent-out-of-range', 'MUS1006', 'disruption: {maxUnavailable: 120%}'),
  inWorkload('port-out-of-range', 'MUS1004', 'ports: [{name: http, port: 70000}]'),
  inWorkload('port-zero', 'MUS1004', 'ports: [{name: http, port: 0}]'),
  inWorkload('duplicate-port-name', 'MUS1311', 'ports: [{name: http, port: 80}, {name: http, port: 81}]'),
  inWorkload('duplicate-port-number', 'MUS1311', 'ports: [{name: http, port: 80}, {name: admin, port: 80}]'),
  inWorkload(
    'health-port-unknown',
    'MUS1310',
    'ports: [{name: http, port: 80}]',
    'health: {http: {port: htpp, path: /}}',
  ),
  inWorkload('half-a-piece-more', 'MUS1006', 'resources: {gpu/a100: 1.5}'),
  inWorkload('pieces-too-fine', 'MUS1006', 'resources: {gpu/a100: 0.0005}'),
  inWorkload('open-model-misspelt', 'MUS1003', 'resources: {gpu/a100|: 1}'),
  inDocker('volume-source-unknown', 'MUS1006', 'volumes: [{name: data, mount: /data, source: atuo}]'),
  inDocker('volume-source-incomplete', 'MUS1006', 'volumes: [{name: data, mount: /data, source: "nfs://10.0.0.9"}]'),
  inDocker('volume-mount-relative', 'MUS1004', 'volumes: [{name: data, mount: data/../x}]'),
  inDocker(
    'volumes-at-one-mount',
    'MUS1323',
    'volumes: [{name: a, mount: /data, source: "host:/a"}, {name: b, mount: /data, source: "host:/b"}]',
  ),
  inDocker('volume-without-a-device', 'MUS1323', 'volumes: [{name: data, mount: /data, size: 1GiB}]'),
  inDocker(
    'volume-on-the-network-with-a-size',
    'MUS1323',
    'volumes: [{name: a, mount: /a, source: "nfs://h/x", size: 1GiB}]',
  ),
  inWorkload(
    'more-than-a-process-can-do',
    'MUS1313',
    'resources: {cpu: 2}',
    'cpu: {bind: true}',
    'volumes: [{name: data, mount: /data, source: "host:/data"}]',
    'network: {name: lan}',
  ),
  inDocker('volume-that-docker-cannot-mount', 'MUS1313', 'volumes: [{name: a, mount: /a, source: "rbd://pool/image"}]'),
  inDocker('numa-required-without-bind', 'MUS1320', 'resources: {cpu: 2}', 'cpu: {numa: require}'),
  inDocker('bound-with-a-limit-beyond', 'MUS1320', 'resources: {cpu: 2}', 'limits: {cpu: 4}', 'cpu: {bind: true}'),
  inWorkload('spread-by-nothing', 'MUS1004', 'placement: {spread: {by: zon}}'),
  inWorkload('spread-in-a-list-misspelt', 'MUS1003', 'placement: {spread: [{by: zone, minDomain: 2}]}'),
  inWorkload('spread-of-text', 'MUS1004', 'placement: {spread: zone}'),
  inWorkload('spread-over-no-zones', 'MUS1327', 'placement: {spread: {by: zone}}'),
  inWorkload('spread-over-too-few-nodes', 'MUS1327', 'replicas: 4', 'placement: {spread: {by: node, minDomains: 2}}'),
  inWorkload('affinity-to-nothing', 'MUS1306', 'placement: {affinity: [{to: shpo, by: zone}]}'),
  inWorkload('near-and-away', 'MUS1328', 'placement: {affinity: [{to: shop}], antiAffinity: [{to: shop, by: zone}]}'),
  inFile(
    'numa-cores-shared',
    'MUS1324',
    'nodes/n1.yaml',
    node.replace('memory: 4GiB', 'memory: 4GiB, numa: [{cpus: 0-2, memory: 2GiB}, {cpus: "2,3", memory: 2GiB}]'),
  ),
  inFile(
    'numa-cores-beyond-the-node',
    'MUS1324',
    'nodes/n1.yaml',
    node.replace('memory: 4GiB', 'memory: 4GiB, numa: [{cpus: 0-4, memory: 4GiB}]'),
  ),
  inFile(
    'cpu-list-backwards',
    'MUS1006',
    'nodes/n1.yaml',
    node.replace('4GiB', '4GiB, numa: [{cpus: 3-0, memory: 1GiB}]'),
  ),
  inFile(
    'drain-deadline-without-time',
    'MUS1006',
    'nodes/n1.yaml',
    node.replace('capacity', 'drain: {deadline: 2026-12-01}, capacity'),
  ),
  inFile(
    'part-of-a-piece-as-capacity',
    'MUS1004',
    'nodes/n1.yaml',
    node.replace('4GiB', '4GiB, extended: {gpu/a100: 0.5}'),
  ),
  // Not supported yet
  inWorkload('secret-not-supported-yet', 'MUS1007', 'env: {DB: {secret: db, key: url}}'),
  inFile(
    'engine-not-supported-yet',
    'MUS1007',
    'workloads/shop.yaml',
    good.replace('engine: process', 'engine: libvirt'),
  ),
  inFile(
    'signed-commits-not-supported-yet',
    'MUS1007',
    'cluster.yaml',
    cluster('{sources: [{name: test, verify: {allowedSigners: signers}}]}'),
  ),
  // Engines
  inDocker(
    'files-where-nobody-sees-them',
    'MUS1336',
    'files: [{path: /run/a, content: x}, {path: /b, content: x}, {path: /b, content: y}]',
    'docker: {readOnly: true, tmpfs: [{mount: /run, size: 1MiB}]}',
  ),
  inDocker('files-too-large', 'MUS1336', `files: [{path: /a, content: ${'x'.repeat(140_000)}}]`),
  inDocker('file-of-the-kernel', 'MUS1004', 'files: [{path: /proc/sysrq-trigger, content: b}]'),
  inWorkload('files-of-a-process', 'MUS1313', 'files: [{path: /a, content: x}]'),
  inNetwork('docker-two-networks', 'MUS1320', 'network: {name: lan}', 'docker: {network: host}'),
  inDocker(
    'docker-on-the-host-network',
    'MUS1320',
    'ports: [{name: a, port: 80, publish: none}, {name: b, port: 81}]',
    'docker: {network: host, sysctls: {net.ipv4.ip_forward: 1}}',
    'placement: {perNode: 2}',
  ),
  inDocker(
    'docker-published-without-network',
    'MUS1320',
    'ports: [{name: a, port: 80, publish: auto}, {name: b, port: 81}]',
    'docker: {network: none}',
  ),
  inDocker('docker-unknown-capability', 'MUS1004', 'docker: {capabilities: {add: [CAP_NET_ADMIN]}}'),
  inDocker('docker-capability-both-ways', 'MUS1320', 'docker: {capabilities: {add: [CHOWN], drop: [ALL, CHOWN]}}'),
  inDocker('docker-sysctl-of-the-node', 'MUS1004', 'docker: {sysctls: {vm.swappiness: 10}}'),
  inDocker('docker-value-on-two-lines', 'MUS1004', 'docker: {sysctls: {kernel.sem: "1\\n2"}}'),
  inDocker('docker-soft-above-hard', 'MUS1320', 'docker: {ulimits: {nofile: {soft: 2, hard: 1}, core: -1}}'),
  inDocker('docker-swap-without-limit', 'MUS1320', 'docker: {swap: 1GiB}'),
  inDocker(
    'docker-two-on-one-mount',
    'MUS1323',
    'volumes: [{name: a, mount: /run}]',
    'docker: {tmpfs: [{mount: /run, size: 1MiB}, {mount: /tmp, size: 0}]}',
  ),
  inDocker(
    'docker-device-twice',
    'MUS1320',
    'docker: {devices: [{path: /dev/fuse}, {path: /dev/null, as: /dev/fuse}]}',
  ),
  inDocker('docker-device-elsewhere', 'MUS1004', 'docker: {devices: [{path: /dev/../etc/shadow}]}'),
  inDocker('docker-address', 'MUS1006', 'docker: {extraHosts: {db: "10.0.0.256"}, dns: {servers: [dns.local]}}'),
  inDocker(
    'docker-secret-in-a-log-option',
    'MUS1335',
    'docker: {logging: {driver: splunk, options: {splunk-token: 7f, splunk-url: "https://a:b@log"}}}',
  ),
  inFile('image-missing', 'MUS1313', 'workloads/shop.yaml', good.replace('engine: process', 'engine: docker')),
  inFile('command-missing', 'MUS1313', 'workloads/shop.yaml', workload('replicas: 1')),
  inWorkload('image-for-a-process', 'MUS1313', 'image: nginx'),
  inFile(
    'variable-that-systemd-cannot-set',
    'MUS1313',
    'workloads/shop.yaml',
    good.replace('engine: process', 'engine: systemd\n  env: {LOG.LEVEL: debug}'),
  ),
  inFile(
    'host-key-missing',
    'MUS1320',
    'nodes/far.yaml',
    document('Node', 'far', '{pod: web, engines: {docker: {endpoint: "ssh://root@10.0.0.11"}}}'),
  ),
  inFile(
    'engine-on-no-node',
    'MUS1312',
    'workloads/shop.yaml',
    workload('image: nginx').replace('engine: process', 'engine: docker'),
  ),
  inFile(
    'daemon-with-replicas',
    'MUS1320',
    'workloads/shop.yaml',
    workload('type: daemon', 'command: [./serve]', 'replicas: 2'),
  ),
  inWorkload('limit-below-reservation', 'MUS1320', 'resources: {memory: 1GiB}', 'limits: {memory: 512MiB}'),
  // Across documents
  inFile('duplicate-resource', 'MUS1303', 'workloads/again.yaml', good),
  inFile(
    'nodeset-and-node',
    'MUS1303',
    'nodes/set.yaml',
    document('NodeSet', 'n', '{names: "n[1:2]", template: {pod: web, engines: {process: {root: "sets/{name}"}}}}'),
  ),
  inWorkload('unknown-pod', 'MUS1304', 'placement: {pods: [wbe]}'),
  {
    name: 'unknown-pod-of-a-limit',
    code: 'MUS1304',
    files: { 'cluster.yaml': cluster('{apply: {limits: {pod/wbe: {batch: 5}}}}') },
  },
  {
    name: 'unknown-name-of-a-limit',
    code: 'MUS1004',
    files: { 'cluster.yaml': cluster('{apply: {limits: {registy: {batch: 5}}}}') },
  },
  { name: 'unknown-pod-of-a-node', code: 'MUS1304', files: { 'pods/web.yaml': undefined } },
  inFile(
    'unknown-namespace',
    'MUS1305',
    'payments.yaml',
    `${document('Namespace', 'payments', '{}')}---\n${good.replace('  name: shop', '  name: shop2\n  namespace: paymets')}`,
  ),
  inWorkload('unknown-after', 'MUS1306', 'after: [databse]'),
  {
    name: 'after-cycle',
    code: 'MUS1307',
    files: {
      'workloads/shop.yaml': workload('command: [./serve]', 'after: [other]'),
      'workloads/other.yaml': workload('command: [./serve]', 'after: [shop]').replace('name: shop', 'name: other'),
    },
  },
  {
    name: 'after-inside-a-transaction',
    code: 'MUS1307',
    files: {
      'workloads/shop.yaml': workload('command: [./serve]', 'after: [other]\n  transaction: release'),
      'workloads/other.yaml': workload('command: [./serve]', 'transaction: release').replace(
        'name: shop',
        'name: other',
      ),
    },
  },
  {
    name: 'after-cycle-through-a-transaction',
    code: 'MUS1307',
    files: {
      'workloads/shop.yaml': workload('command: [./serve]', 'transaction: release'),
      'workloads/other.yaml': workload('command: [./serve]', 'transaction: release\n  after: [third]').replace(
        'name: shop',
        'name: other',
      ),
      'workloads/third.yaml': workload('command: [./serve]', 'after: [shop]').replace('name: shop', 'name: third'),
    },
  },
  {
    name: 'transaction-too-large',
    code: 'MUS1329',
    files: Object.fromEntries(
      Array.from({ length: 33 }, (_, index) => [
        `workloads/w${index}.yaml`,
        workload('command: [./serve]', 'transaction: release').replace('name: shop', `name: w${index}`),
      ]),
    ),
  },
  inFile('unknown-quota-parent', 'MUS1308', 'q.yaml', document('Quota', 'a', '{parent: al, limits: {cpu: 1}}')),
  inFile(
    'quota-parent-cycle',
    'MUS1309',
    'q.yaml',
    `${document('Quota', 'a', '{parent: b, limits: {cpu: 1}}')}---\n${document('Quota', 'b', '{parent: a, limits: {cpu: 1}}')}`,
  ),
  inFile(
    'bad-nodeset-pattern',
    'MUS1315',
    'nodes/set.yaml',
    document('NodeSet', 'rack', '{names: "r[3:1]", template: {pod: web, engines: {process: {root: "sets/{name}"}}}}'),
  ),
  inFile(
    'override-matching-nothing',
    'MUS1316',
    'nodes/set.yaml',
    document(
      'NodeSet',
      'rack',
      '{names: "r[1:2]", template: {pod: web, engines: {process: {root: "sets/{name}"}}}, overrides: [{names: r3, lifecycle: cordoned}]}',
    ),
  ),
  inFile('process-root-shared', 'MUS1320', 'nodes/n2.yaml', document('Node', 'n2', `{${nodeSpec}}`)),
  inFile(
    'gateway-outside-subnet',
    'MUS1317',
    'net.yaml',
    document('Network', 'lan', '{subnet: 10.1.0.0/16, gateway: 10.2.0.1}'),
  ),
  inFile(
    'pool-outside-subnet',
    'MUS1317',
    'net.yaml',
    document('Network', 'lan', '{subnet: 10.1.0.0/16, pools: [{name: web, range: 10.2.0.1-10.2.0.9}]}'),
  ),
  inNetwork('static-ip-outside-network', 'MUS1317', 'replicas: 1', 'network: {name: lan, ip: 10.2.0.1}'),
  inNetwork('static-ip-is-the-gateway', 'MUS1317', 'replicas: 1', 'network: {name: lan, ip: 10.1.0.1}'),
  inNetwork('static-ip-of-several', 'MUS1326', 'replicas: 3', 'network: {name: lan, ip: 10.1.0.7}'),
  inNetwork('network-unknown', 'MUS1325', 'network: {name: lna}'),
  inNetwork('network-pool-unknown', 'MUS1325', 'network: {name: lan, pool: wbe}'),
  inNetwork('network-ip-unknown', 'MUS1006', 'network: {name: lan, ip: keap}'),
  {
    name: 'static-ip-taken-twice',
    code: 'MUS1326',
    files: {
      'net.yaml': lan,
      'nodes/n1.yaml': dockerNode,
      'workloads/shop.yaml': dockerWorkload('network: {name: lan, ip: 10.1.0.7}'),
      'workloads/till.yaml': dockerWorkload('network: {name: lan, ip: 10.1.0.7}').replace('shop', 'till'),
    },
  },
  inFile(
    'override-with-an-unknown-lifecycle',
    'MUS1004',
    'nodes/n1.yaml',
    document('Node', 'n1', `{${nodeSpec}, lifecycle: mantenance}`),
  ),
  inFile('two-clusters', 'MUS1302', 'other.yaml', cluster()),
  { name: 'no-cluster', code: 'MUS1301', files: { 'cluster.yaml': undefined } },
  {
    name: 'empty-repo',
    code: 'MUS1301',
    files: {
      'cluster.yaml': undefined,
      'pods/web.yaml': undefined,
      'nodes/n1.yaml': undefined,
      'workloads/shop.yaml': undefined,
    },
  },
  inFile(
    'allow-scope-violation',
    'MUS1319',
    'cluster.yaml',
    cluster('{sources: [{name: test, allow: {kinds: [Workload], namespaces: [payments]}}]}'),
  ),
  inFile(
    'removed-but-declared',
    'MUS1318',
    'refactor.yaml',
    document('Refactor', 'r1', '{removed: [{from: default/shop}]}'),
  ),
  // Links, includes and patches
  {
    name: 'symlink-leaving-the-repo',
    code: 'MUS1107',
    files: {},
    links: { 'workloads/passwd.yaml': '../../passwd.yaml' },
  },
  { name: 'symlink-to-nothing', code: 'MUS1113', files: {}, links: { 'workloads/old.yaml': 'gone.yaml' } },
  inFile('include-outside-the-repo', 'MUS1201', 'cluster.yaml', cluster('{include: [../elsewhere]}')),
  inFile('include-of-nothing', 'MUS1203', 'cluster.yaml', cluster('{include: [base]}')),
  inFile('include-of-itself', 'MUS1202', 'cluster.yaml', cluster('{include: [workloads]}')),
  {
    name: 'include-cycle',
    code: 'MUS1202',
    at: 'prod',
    files: {
      'prod/cluster.yaml': cluster('{include: [../base]}'),
      'base/pod.yaml': pod,
      'base/cluster.yaml': document('Cluster', 'base', '{include: [../prod]}'),
    },
  },
  {
    name: 'included-cluster-decides',
    code: 'MUS1204',
    at: 'prod',
    files: {
      'prod/cluster.yaml': cluster('{include: [../base]}'),
      'base/cluster.yaml': document('Cluster', 'base', '{apply: {parallelism: 4}}'),
      'base/pod.yaml': pod,
    },
  },
  inFile(
    'patch-matching-nothing',
    'MUS1205',
    'cluster.yaml',
    cluster('{patches: [{target: {kind: Workload, name: shpo}, merge: {spec: {replicas: 3}}}]}'),
  ),
  inFile(
    'patch-of-an-identity',
    'MUS1206',
    'cluster.yaml',
    cluster('{patches: [{target: {kind: Workload}, merge: {metadata: {name: other}}}]}'),
  ),
  inFile(
    'patch-with-a-mistake',
    'MUS1003',
    'cluster.yaml',
    cluster(
      '\n  patches:\n    - target: {kind: Workload, name: shop}\n      merge:\n        spec:\n          replica: 3',
    ),
  ),
];
