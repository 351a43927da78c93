import { setTimeout as sleep } from 'node:timers/promises';
import { startEtcd } from '../bed/etcd.ts';
import { until } from '../e2e/cli.ts';
import { makeDockerCluster } from '../e2e/containers.ts';
import { count, type Fault, settle, took, wrong } from './fault.ts';
import { follow, rollOut } from './followers.ts';
import { slowInstances, slowRollout } from './worlds.ts';

/** SIGSTOP in the middle of a rollout, for longer than the lease lives; another `muster run` stands by. */
export const standstill: Fault = {
  id: 'standstill',
  what: 'SIGSTOP of the leading `muster run` until another leads, then SIGCONT',
  times: { whole: 10, quick: 1 },
  inject: async (torture) => {
    const { random, times } = torture;
    const etcd = await startEtcd();
    torture.after(() => etcd.stop());
    const files = { 'web.yaml': slowRollout(0) };
    const cluster = await makeDockerCluster(torture, { etcd, files });
    let leader = follow(cluster);
    await until('the first leads', () => leader.told('leading') === 1);
    await until('it has applied', () => leader.told('applied') === 1);
    let other = follow(cluster);
    for (let turn = 1; turn <= times; turn += 1) {
      const [ledBefore, lostBefore] = [other.told('leading'), leader.told('the leader lease was lost')];
      rollOut(cluster, turn);
      await sleep(random.between(300, 4_000));
      leader.running.child.kill('SIGSTOP');
      const stoppedAt = performance.now();
      await until('the other one leads', () => other.told('leading') > ledBefore);
      took(torture, 'the other led', performance.now() - stoppedAt);
      await sleep(random.between(0, 3_000));
      leader.running.child.kill('SIGCONT');
      await until('the first knows that it leads no more', () => leader.told('the leader lease was lost') > lostBefore);
      count(torture, 'of the stopped knew that their lease was lost');
      await settle(torture, cluster, { instances: slowInstances, by: 'run', what: `SIGSTOP ${turn}` });
      [leader, other] = [other, leader];
    }
    for (const { running } of [leader, other]) {
      running.child.kill('SIGTERM');
      const { code } = await running.finished;
      if (code !== 0) wrong(torture, `muster run ends with ${code}`);
    }
  },
};
