import { setTimeout as sleep } from 'node:timers/promises';
import { type EtcdServer, startEtcd } from '../bed/etcd.ts';
import { applyNow, type DockerCluster, makeDockerCluster } from '../e2e/containers.ts';
import { count, type Fault, settle, type Torture, took } from './fault.ts';
import { filesAt, instancesAt, turnTo } from './worlds.ts';

/** Clusters side by side, at most: most of the time is waiting for the leases of the dead. */
const mostLanes = 4;
const leastKills = 2;
/** The first part of an apply, in which it starts and looks and changes nothing. */
const startShare = 0.2;
/** Of the processes that go on with what a dead one left: killed as well. */
const killedAgain = 0.25;
const journalOf = (cluster: DockerCluster): string => `/muster/${cluster.name}/run/`;

export const kill: Fault = {
  id: 'kill',
  what: '`kill -9` of `muster apply` at a random moment',
  times: { whole: 100, quick: 4 },
  inject: async (torture) => {
    const etcd = await startEtcd();
    torture.after(() => etcd.stop());
    const lanes = Math.min(mostLanes, Math.ceil(torture.times / leastKills));
    const own = Array.from({ length: lanes }, (_, lane) => Math.ceil((torture.times - lane) / lanes));
    await Promise.all(own.map((times) => killIn(torture, etcd, times)));
  },
};

async function killIn(torture: Torture, etcd: EtcdServer, times: number): Promise<void> {
  const { random } = torture;
  const cluster = await makeDockerCluster(torture, { etcd, files: filesAt(0) });
  await cluster.apply();
  turnTo(cluster, 1);
  let wholeMs = await timed(() => cluster.apply());
  for (let turn = 2, killed = 0; killed < times; turn += 1) {
    turnTo(cluster, turn);
    const afterMs = Math.round((startShare + random.next() * (1 - startShare)) * wholeMs);
    const died = await killAfter(cluster, afterMs);
    if (!died) {
      // It was faster this time: what was drawn is not a moment of it.
      wholeMs = Math.max(wholeMs / 2, wholeMs * 0.9);
      continue;
    }
    killed += 1;
    if (etcd.ctl('get', '--prefix', '--keys-only', journalOf(cluster)) !== '') count(torture, 'in the middle of a run');
    if (random.happens(killedAgain)) await killSuccessor(torture, cluster, wholeMs);
    const began = performance.now();
    const what = `kill after ${afterMs} ms`;
    const { applies } = await settle(torture, cluster, { instances: instancesAt(turn), by: 'apply', what });
    took(torture, 'to rest, the lease of the dead included', performance.now() - began);
    count(torture, applies === 1 ? 'finished by the next apply' : `finished by ${applies} applies`);
  }
}

/** Also in the wait for the lease, which ends some ten seconds later. */
async function killSuccessor(torture: Torture, cluster: DockerCluster, wholeMs: number): Promise<void> {
  const afterMs = Math.round(torture.random.next() * (wholeMs + 10_000));
  if (await killAfter(cluster, afterMs, ['--lock-timeout', '60s'])) count(torture, 'killed again while recovering');
}

async function killAfter(cluster: DockerCluster, ms: number, more: readonly string[] = []): Promise<boolean> {
  const apply = cluster.start([...applyNow, ...more]);
  await Promise.race([sleep(ms), apply.finished]);
  apply.child.kill('SIGKILL');
  return (await apply.finished).code === null;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
