import { setTimeout as sleep } from 'node:timers/promises';
import type { Override } from '../../src/model/recorded.ts';
import { type PrivateDockerd, startPrivateDockerd } from '../bed/docker.ts';
import { startEtcd } from '../bed/etcd.ts';
import { applyNow, type DockerCluster, makeDockerCluster } from '../e2e/containers.ts';
import { count, type Fault, settle, type Torture, took } from './fault.ts';
import { filesAt, instancesAt, turnTo } from './worlds.ts';

/** The daemon is the test's own: data, socket, bridge and containerd. */
export const daemonKilled: Fault = {
  id: 'dockerd-killed',
  what: '`kill -9` of dockerd under `muster apply`, started again some seconds later',
  times: { whole: 5, quick: 1 },
  needs: 'dockerd',
  inject: (torture) =>
    eachTurn(torture, async (daemon) => {
      await daemon.kill();
      await sleep(torture.random.between(0, 5_000));
      await daemon.start();
    }),
};

/** Shorter and longer than an engine is waited for; too slow for CI, where test/e2e/docker-daemon.test.ts freezes a daemon. */
export const daemonHung: Fault = {
  id: 'dockerd-hung',
  what: 'dockerd hangs (SIGSTOP) for 2 to 50 seconds under `muster apply`',
  times: { whole: 6, quick: 0 },
  needs: 'dockerd',
  inject: (torture) =>
    eachTurn(torture, async (daemon) => {
      daemon.freeze();
      await sleep(torture.random.between(2_000, 50_000));
      daemon.thaw();
    }),
};

async function eachTurn(torture: Torture, fail: (daemon: PrivateDockerd) => Promise<void>): Promise<void> {
  const { random, times } = torture;
  const etcd = await startEtcd();
  torture.after(() => etcd.stop());
  const daemon = await startPrivateDockerd({ tls: 'none' });
  torture.after(() => daemon.close());
  const cluster = await makeDockerCluster(torture, { etcd, files: filesAt(0), endpoint: daemon.endpoint });
  await cluster.apply();
  for (let turn = 1; turn <= times; turn += 1) {
    turnTo(cluster, turn);
    const apply = cluster.start(applyNow);
    const afterMs = random.between(500, 4_000);
    await sleep(afterMs);
    await fail(daemon);
    const backAt = performance.now();
    const { code } = await apply.finished;
    count(torture, code === 0 ? 'done by the same apply' : 'left at a safe point');
    const what = `turn ${turn}, after ${afterMs} ms`;
    await settle(torture, cluster, { instances: instancesAt(turn), by: 'apply', what });
    took(torture, 'from its return to rest', performance.now() - backAt);
  }
  for (const _port of await refusedPorts(cluster))
    count(torture, 'ports that docker held for nobody, and were passed over');
}

/** A daemon that was killed in the middle of a start may hold a port until it is restarted. */
async function refusedPorts(cluster: DockerCluster): Promise<readonly string[]> {
  const { code, stdout, stderr } = await cluster.muster(['status', '-o', 'json']);
  if (code !== 0) throw new Error(`muster status ends with ${code}: ${stderr}`);
  const { overrides } = JSON.parse(stdout) as { readonly overrides: readonly Pick<Override, 'kind' | 'target'>[] };
  return overrides.flatMap(({ kind, target }) => (kind === 'port' ? [target] : []));
}
