import { setTimeout as sleep } from 'node:timers/promises';
import { startEtcd } from '../bed/etcd.ts';
import { startEtcdMembers } from '../bed/etcd-members.ts';
import { applyNow, type DockerCluster, makeDockerCluster } from '../e2e/containers.ts';
import { count, type Fault, settle, type Torture, took } from './fault.ts';
import { filesAt, instancesAt, turnTo } from './worlds.ts';

/** A member of three is killed, always the one that leads. */
export const quorum: Fault = {
  id: 'quorum',
  what: '`kill -9` of the leader of three etcd members under `muster apply`',
  times: { whole: 10, quick: 1 },
  inject: async (torture) => {
    const etcd = await startEtcdMembers();
    torture.after(() => etcd.stop());
    await eachTurn(torture, etcd, async () => {
      const member = etcd.members[await etcd.leader()];
      await member?.kill();
      return async () => {
        member?.start();
        await etcd.healthy();
      };
    });
  },
};

/** The only member is killed and comes back within some seconds, at times after more than a lease lives. */
export const restart: Fault = {
  id: 'restart',
  what: '`kill -9` and restart of a single etcd under `muster apply`',
  times: { whole: 10, quick: 1 },
  inject: async (torture) => {
    const etcd = await startEtcd();
    torture.after(() => etcd.stop());
    await eachTurn(torture, etcd, async () => {
      await etcd.kill();
      await sleep(torture.random.between(0, 12_000));
      await etcd.restart();
      return async () => {};
    });
  },
};

/** Goes back and forth between two worlds; in the middle of each apply something goes wrong. */
export async function eachTurn(
  torture: Torture,
  etcd: { readonly endpoint: string },
  fail: (cluster: DockerCluster) => Promise<() => Promise<void>>,
): Promise<void> {
  const { random, times } = torture;
  const cluster = await makeDockerCluster(torture, { etcd, files: filesAt(0) });
  await cluster.apply();
  for (let turn = 1; turn <= times; turn += 1) {
    turnTo(cluster, turn);
    const began = performance.now();
    const apply = cluster.start(applyNow);
    const afterMs = random.between(500, 4_000);
    await sleep(afterMs);
    const mend = await fail(cluster);
    const { code } = await apply.finished;
    count(torture, code === 0 ? 'done by the same apply' : 'stopped at a safe point');
    await mend();
    const what = `turn ${turn}, after ${afterMs} ms`;
    await settle(torture, cluster, { instances: instancesAt(turn), by: 'apply', what });
    took(torture, 'from apply to rest', performance.now() - began);
  }
}
