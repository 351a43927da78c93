import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { needsPrivateDockerd, type PrivateDockerd, startPrivateDockerd } from '../bed/docker.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { until } from './cli.ts';
import { applyNow, assertConverged, instancesOf, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsPrivateDockerd()) };

/** Waves of one, so that the daemon goes away between two of them. */
const slowly = '{groups: [1, 100%], observe: 1s, healthyDeadline: 60s}';
const web = (version: string): string => server({ name: 'web', replicas: 4, version, update: slowly });
const instances = instancesOf('default/web', 4);

describe('a Docker daemon that goes away under an apply', needs, () => {
  let etcd: EtcdServer;
  let daemon: PrivateDockerd;
  before(async () => {
    etcd = await startEtcd();
    daemon = await startPrivateDockerd({ tls: 'none' });
  });
  after(async () => {
    await daemon.close();
    await etcd.stop();
  });

  test('killed and back soon: the apply tries again and ends well', async (t) => {
    const { cluster, apply } = await underWay(t);
    await daemon.kill();
    await until('it is told', () => apply.output().stderr.includes('again in'));
    await daemon.start();
    const { code, stderr } = await apply.finished;
    assert.equal(code, 0, stderr);
    await assertConverged(cluster, instances);
  });

  test('frozen and thawed: the apply waits', async (t) => {
    const { cluster, apply } = await underWay(t);
    daemon.freeze();
    const writtenBefore = apply.output().stderr;
    await new Promise((done) => setTimeout(done, 3_000));
    assert.doesNotMatch(apply.output().stderr.slice(writtenBefore.length), /failed/);
    daemon.thaw();
    const { code, stderr } = await apply.finished;
    assert.equal(code, 0, stderr);
    await assertConverged(cluster, instances);
  });

  test('stopped for good: the unit is left at a safe point, the plan touches nothing there; back again, apply finishes', async (t) => {
    const { cluster, apply } = await underWay(t);
    await daemon.stop();
    const { code, stderr } = await apply.finished;
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /default\/web stopped at a safe point; the next apply goes on from there: .*does\s+not\s+answer/s,
    );
    const status = await cluster.muster(['status']);
    assert.match(status.stdout, /unreachable|unknown/);
    assert.doesNotMatch(status.stdout, /missing/, 'nothing is concluded about what cannot be seen');
    await daemon.start();
    const next = await cluster.muster(applyNow);
    assert.equal(next.code, 0, next.stderr);
    // What the daemon did not start again by itself is healed.
    const last = await cluster.muster(applyNow);
    assert.equal(last.code, 0, last.stderr);
    await assertConverged(cluster, instances);
  });

  /** Four servers run, and an apply of another version of them has come as far as its first wave. */
  async function underWay(t: { after(clean: () => void | Promise<void>): void }) {
    const cluster = await makeDockerCluster(t, { etcd, endpoint: daemon.endpoint, files: { 'web.yaml': web('1') } });
    const first = await cluster.apply();
    assert.equal(first.code, 0, first.stderr);
    cluster.commit({ 'web.yaml': () => web('2') });
    const apply = cluster.start(applyNow);
    await until('the rollout is under way', () => apply.output().stderr.includes('observing'));
    return { cluster, apply };
  }
});
