import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EnginesView } from '../../src/render/status-engines-shape.ts';
import { docker, dockerEndpoint, needsDocker, testImages } from '../bed/docker.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { type DockerCluster, inspect, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };
const fromEngines = ['status', '--from', 'engines'];
/** Of another cluster that has this one's name. */
const strangeUid = '99999999-9999-4999-8999-999999999999';

describe('status --from engines while etcd is dead', needs, () => {
  let etcd: EtcdServer;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd.stop());

  test('containers are told with state, health and address; what is gone is missing; a stranger stands out', async (t) => {
    const extra = [
      'ports: [{name: http, port: 8080, publish: auto}]',
      'health: {exec: {command: [test, -e, /tmp/well]}, interval: 200ms, timeout: 20s, healthyAfter: 1, unhealthyAfter: 1}',
      'command: [/bin/sh, -c]',
      'args: ["trap \'exit 0\' TERM; touch /tmp/well; while :; do sleep 0.1; done"]',
    ];
    const cluster = await makeDockerCluster(t, {
      etcd,
      files: { 'web.yaml': server({ name: 'web', replicas: 2, extra }) },
    });
    const applied = await cluster.apply();
    assert.equal(applied.code, 0, applied.stdout + applied.stderr);
    const [zero, one] = await cluster.containers();
    assert.ok(zero !== undefined && one !== undefined);
    const startedAt = (await inspect(zero.id)).State.StartedAt;
    await etcd.kill();

    const store = await cluster.muster(['status']);
    assert.equal(store.code, 1, store.stdout);
    assert.match(store.stderr, /MUS2001.*\n.*What runs can be seen without the store: muster status --from engines$/ms);
    const fine = await cluster.muster([...fromEngines, '--detailed-exitcode']);
    assert.equal(fine.code, 0, fine.stdout + fine.stderr);
    assert.match(fine.stdout, /^default\/web {2}desired 2 · running 2 · healthy 2$/m);
    assert.match(
      fine.stdout,
      new RegExp(`^  0  #1  d1  \\w{8}  running healthy .* http 127.0.0.1:${zero.ports[0]}$`, 'm'),
    );

    const look = ['exec', '--from', 'engines', 'default/web/1', '--'];
    const told = await cluster.muster([
      ...look,
      'sh',
      '-c',
      'echo $MUSTER_ORDINAL; echo to the log >/proc/1/fd/1; exit 3',
    ]);
    assert.deepEqual([told.code, told.stdout], [3, '1\n'], told.stderr);
    const logs = await cluster.muster(['logs', '--from', 'engines', 'default/web', '--tail', '1']);
    assert.equal(logs.stdout, 'default/web/1 | to the log\n', logs.stderr);

    await docker(dockerEndpoint, 'exec', zero.id, 'rm', '/tmp/well');
    await docker(dockerEndpoint, 'rm', '-f', one.id);
    const name = `${cluster.name}.default.web.1.g7`;
    const labels = { cluster: strangeUid, allocation: 'default/web/1#7', revision: 'ffffffffffffffff' };
    const flags = Object.entries(labels).flatMap(([key, value]) => ['--label', `io.muster.${key}=${value}`]);
    await docker(dockerEndpoint, 'run', '-d', '--name', name, ...flags, testImages.first, 'sleep', '600');
    const view = await viewOf(cluster);
    const rows = view.workloads.flatMap(({ instances }) => instances);
    assert.deepEqual(
      rows.map((row) => (row.kind === 'found' ? [row.id, row.generation, row.observed, row.health] : [row.id])),
      [
        ['default/web/0', 1, 'running', 'unhealthy'],
        ['default/web/1', 7, 'running', 'none'],
      ],
    );
    assert.deepEqual(new Set(view.uids.map(({ objects }) => objects)), new Set([1]));
    assert.ok(view.uids.some(({ uid }) => uid === strangeUid));
    assert.ok(view.warnings.some(({ code }) => code === 'MUS3011'));
    assert.equal(view.asDeclared, false);

    await docker(dockerEndpoint, 'rename', name, `${cluster.name}.of-somebody-else`);
    const renamed = await viewOf(cluster);
    assert.deepEqual(
      renamed.workloads.flatMap(({ instances }) => instances.map(({ observed }) => observed)),
      ['running', 'missing'],
      'what does not have the name that Muster gave it is foreign',
    );
    assert.ok((renamed.nodes[0]?.foreign ?? 0) > 0);
    assert.equal((await inspect(zero.id)).State.StartedAt, startedAt, 'nothing was touched');
  });
});

async function viewOf(cluster: DockerCluster): Promise<EnginesView> {
  const { code, stdout, stderr } = await cluster.muster([...fromEngines, '-o', 'json']);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as EnginesView;
}
