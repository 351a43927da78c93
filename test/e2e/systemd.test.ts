import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { docker, dockerEndpoint, testImages } from '../bed/docker.ts';
import { needsHosts, startHost, type TestHost } from '../bed/hosts.ts';
import { type Cluster, makeCluster } from './cli.ts';

const needs = await needsHosts();

describe('units on two machines, by the real command line', needs, () => {
  let hosts: readonly TestHost[] = [];
  before(async () => {
    hosts = await Promise.all([startHost(), startHost()]);
  });
  after(() => Promise.all(hosts.map((host) => host.close())));

  test('applied, resized without a restart, healed after changes by hand, drained', async (t) => {
    const [one, two] = hosts as [TestHost, TestHost];
    const cluster = await systemdCluster(t, 'prod', { one, two });
    await cluster.apply();
    assert.deepEqual(instancesOf(await unitsOn(one, 'prod'), await unitsOn(two, 'prod')), [0, 1, 2, 3]);
    for (const host of hosts) assert.equal((await unitsOn(host, 'prod')).length, 2, 'spread over both');

    const first = await unitsOn(one, 'prod');
    cluster.commit({
      'web.yaml': (text) => text.replace('memory: 64MiB', 'memory: 96MiB').replace('cpu: 100m', 'cpu: 250m'),
    });
    const plan = await cluster.muster(['plan']);
    assert.match(plan.stdout, /4 to update/);
    await cluster.apply();
    const resized = await unitsOn(one, 'prod');
    assert.deepEqual(
      resized.map(({ unit, pid }) => [unit, pid]),
      first.map(({ unit, pid }) => [unit, pid]),
      'the same programs run on',
    );
    const limit = (unit: string): Promise<string> =>
      one.sh(
        `cat ${memoryFile(unit)}; systemctl show -P MemoryMax ${unit}; grep -c '^MemoryMax=100663296$' /etc/systemd/system/${unit}`,
      );
    for (const { unit } of resized)
      assert.equal(await limit(unit), '100663296\n100663296\n1', 'in the kernel, in systemd and on disk');

    const [stopped, edited] = await unitsOn(one, 'prod');
    const [removed] = await unitsOn(two, 'prod');
    assert.ok(stopped !== undefined && edited !== undefined && removed !== undefined);
    await one.sh(`systemctl stop ${stopped.unit}`);
    await one.sh(
      `sed -i 's/^ExecStart=.*/ExecStart=\\/bin\\/sleep 1000/' /etc/systemd/system/${edited.unit} && systemctl daemon-reload`,
    );
    await two.sh(`rm /etc/systemd/system/${removed.unit} && systemctl daemon-reload`);
    await two.sh(
      `printf '[Service]\\nExecStart=/bin/sleep 1000\\n' >/etc/systemd/system/muster-mine.service && systemctl start muster-mine`,
    );
    const drift = await cluster.muster(['status']);
    assert.match(drift.stdout, /changed: command is ExecStart=\/bin\/sleep 1000/, 'by the field that it comes from');
    assert.match(drift.stdout, /the unit file was removed/);
    await cluster.apply();
    assert.deepEqual(instancesOf(await unitsOn(one, 'prod'), await unitsOn(two, 'prod')), [0, 1, 2, 3]);
    assert.equal(
      await two.sh(`systemctl is-active ${removed.unit} || true`),
      'inactive',
      'nobody is left without his unit file',
    );
    assert.equal(await two.sh('systemctl is-active muster-mine'), 'active', 'what somebody else made is untouched');
    assert.match((await cluster.muster(['plan'])).stdout, /No changes/);

    cluster.commit({
      'cluster.yaml': (text) => text.replace('lifecycle: online # two', 'lifecycle: maintenance # two'),
    });
    await cluster.apply();
    assert.deepEqual(instancesOf(await unitsOn(one, 'prod')), [0, 1, 2, 3]);
    assert.deepEqual(await unitsOn(two, 'prod'), []);
  });

  test('a wrong host key, a refused login and a stopped sshd are told, and nothing is touched', async (t) => {
    const [one, two] = hosts as [TestHost, TestHost];
    const cluster = await systemdCluster(t, 'edge', { one, two });
    await cluster.apply();
    const before = [await unitsOn(one, 'edge'), await unitsOn(two, 'edge')];
    const same = async (): Promise<void> =>
      assert.deepEqual([await unitsOn(one, 'edge'), await unitsOn(two, 'edge')], before, 'nothing was touched');

    const wrong = 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    cluster.commit({ 'cluster.yaml': (text) => text.replace(two.hostKey, wrong) });
    const doctor = await cluster.muster(['doctor']);
    assert.equal(doctor.code, 1);
    assert.ok(
      doctor.stdout.replaceAll(/\s+/g, ' ').includes(`has the host key ${two.hostKey}, and ${wrong} is pinned`),
      doctor.stdout,
    );
    const applied = await cluster.muster(['apply', '--auto-approve']);
    assert.equal(applied.code, 0, 'nothing is to be done that could be seen');
    await same();

    cluster.commit({
      'cluster.yaml': (text) => text.replace(wrong, two.hostKey).replaceAll('ssh://root@', 'ssh://stranger@'),
    });
    assert.match(
      (await cluster.muster(['doctor'])).stdout.replaceAll(/\s+/g, ' '),
      /ssh:\/\/stranger@[\d.]+:22 refused the key default/,
    );
    cluster.commit({ 'cluster.yaml': (text) => text.replaceAll('ssh://stranger@', 'ssh://backup@') });
    assert.match((await cluster.muster(['doctor'])).stdout, /This account is currently not available/);
    cluster.commit({ 'cluster.yaml': (text) => text.replaceAll('ssh://backup@', 'ssh://root@') });

    await two.sh('systemctl stop ssh');
    const status = await cluster.muster(['status']);
    assert.match(status.stdout.replaceAll(/\s+/g, ' '), /cannot be reached: connect ECONNREFUSED/);
    await cluster.muster(['apply', '--auto-approve']);
    await two.sh('systemctl start ssh');
    await same();
    assert.match((await cluster.muster(['plan'])).stdout, /No changes/);
  });

  test('a container and a unit on one machine, by one connection', async (t) => {
    const machine = await startHost({ docker: 'shared' });
    t.after(() => machine.close());
    const name = `both-${process.pid}`;
    const cluster = await systemdCluster(t, name, { far: machine });
    const login = `endpoint: "${machine.endpoint}", hostKey: "${machine.hostKey}"`;
    cluster.commit({
      'cluster.yaml': (text) =>
        text.replace('    systemd:', `    docker: {${login}, publishAddress: 127.0.0.5}\n    systemd:`),
      'web.yaml': (text) => text.replace('replicas: 4', 'replicas: 1'),
      'box.yaml': () => container,
    });
    t.after(async () => {
      const ids = await docker(dockerEndpoint, 'ps', '-aq', '--filter', `name=^${name}`);
      if (ids !== '') await docker(dockerEndpoint, 'rm', '-f', ...ids.split('\n'));
    });
    await cluster.apply();
    assert.equal((await unitsOn(machine, name)).length, 1);
    const state = '{{.State}}';
    assert.equal(await docker(dockerEndpoint, 'ps', '--filter', `name=^${name}`, '--format', state), 'running');
    const logins = async (): Promise<number> =>
      Number(await machine.sh("journalctl --sync; journalctl -u ssh -o cat | grep -c '^Accepted publickey'"));
    const before = await logins();
    assert.match((await cluster.muster(['plan'])).stdout, /No changes/);
    assert.equal((await logins()) - before, 1, 'both engines were asked over one connection');
  });
});

interface SystemdCluster extends Cluster {
  apply(): Promise<void>;
}

async function systemdCluster(
  t: Parameters<typeof makeCluster>[0],
  name: string,
  hosts: Readonly<Record<string, TestHost>>,
): Promise<SystemdCluster> {
  const cluster = await makeCluster(t, files(name, hosts), { source: 'directory' });
  const [host] = Object.values(hosts);
  // Each host knows a key of its own; the second is named by its node.
  const keys = Object.entries(hosts).map(([node, { keyFile }]) => [node, { key: keyFile }]);
  const credentials = join(cluster.folder, 'credentials.json');
  writeFileSync(credentials, JSON.stringify({ ssh: { default: { key: host?.keyFile }, ...Object.fromEntries(keys) } }));
  const environment = { MUSTER_CREDENTIALS: credentials };
  const muster: Cluster['muster'] = (args, more = {}) => cluster.muster(args, { ...environment, ...more });
  return {
    ...cluster,
    muster,
    async apply() {
      const { code, stdout, stderr } = await muster(['apply', '--auto-approve']);
      assert.equal(code, 0, stdout + stderr);
    },
  };
}

const files = (name: string, hosts: Readonly<Record<string, TestHost>>): Readonly<Record<string, string>> => ({
  'cluster.yaml': [
    `apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: ${name}}\nspec: {}\n`,
    'apiVersion: muster/v1\nkind: Pod\nmetadata: {name: machines}\nspec: {}\n',
    ...Object.entries(hosts).map(
      ([node, { endpoint, hostKey }], index) => `apiVersion: muster/v1
kind: Node
metadata: {name: ${node}}
spec:
  pod: machines
  lifecycle: online # ${node}
  ports: {range: 21000-21999}
  engines:
    systemd: {endpoint: "${endpoint}", hostKey: "${hostKey}"${index === 0 ? '' : `, credential: ${node}`}}
`,
    ),
  ].join('---\n'),
  'web.yaml': `apiVersion: muster/v1
kind: Workload
metadata: {name: web}
spec:
  engine: systemd
  command: [/bin/busybox, httpd, -f, -p, $(PORT_HTTP), -h, /etc]
  replicas: 4
  resources: {cpu: 100m, memory: 64MiB}
  ports: [{name: http, port: 8080}]
  health: {http: {port: http, path: /hostname}, interval: 200ms, timeout: 5s, healthyAfter: 1}
  stop: {grace: 5s}
  systemd: {user: guest, tasks: 64}
`,
});

const container = `apiVersion: muster/v1
kind: Workload
metadata: {name: box}
spec: {image: ${testImages.first}, command: [/bin/sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.1; done"]}
`;

interface RunningUnit {
  readonly unit: string;
  readonly pid: number;
}

/** What systemd itself says runs of a cluster. */
async function unitsOn(host: TestHost, cluster: string): Promise<readonly RunningUnit[]> {
  const list = `systemctl list-units --plain --no-legend --state=active 'muster-${cluster}.*.service' | cut -d' ' -f1`;
  const rows = await host.sh(`for unit in $(${list}); do echo "$unit $(systemctl show -P MainPID $unit)"; done`);
  return rows
    .split('\n')
    .filter((row) => row !== '')
    .map((row) => ({ unit: row.split(' ')[0] ?? '', pid: Number(row.split(' ')[1]) }));
}

/** Ordinals that run, each as often as it does. */
const instancesOf = (...units: readonly (readonly RunningUnit[])[]): readonly number[] =>
  units
    .flat()
    .map(({ unit }) => Number(/\.(\d+)\.g\d+\.service$/.exec(unit)?.[1]))
    .sort();

/** By cgroup v1 or v2. */
const memoryFile = (unit: string): string =>
  `$(ls /sys/fs/cgroup/memory/muster.slice/${unit}/memory.limit_in_bytes /sys/fs/cgroup/muster.slice/${unit}/memory.max 2>/dev/null)`;
