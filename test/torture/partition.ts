import { setTimeout as sleep } from 'node:timers/promises';
import { startEtcd } from '../bed/etcd.ts';
import { startEtcdMembers } from '../bed/etcd-members.ts';
import { makeNetwork, type NetworkMachine } from '../bed/network.ts';
import { until } from '../e2e/cli.ts';
import { makeDockerCluster } from '../e2e/containers.ts';
import { eachTurn } from './etcd-faults.ts';
import { count, type Fault, settle, took } from './fault.ts';
import { follow, rollOut } from './followers.ts';
import { slowInstances, slowRollout } from './worlds.ts';

/** The leading process reaches its engines and not the store; another one reaches both. */
export const cutOff: Fault = {
  id: 'cut-off',
  what: 'packets between the leading `muster run` and etcd are lost (network namespace) until another leads',
  times: { whole: 6, quick: 1 },
  needs: 'network',
  inject: async (torture) => {
    const { random, times } = torture;
    const network = await makeNetwork(2);
    torture.after(() => network.close());
    const etcd = await startEtcd({ address: network.address });
    torture.after(() => etcd.stop());
    const cluster = await makeDockerCluster(torture, { etcd, files: { 'web.yaml': slowRollout(0) } });
    const [here, there] = network.machines as [NetworkMachine, NetworkMachine];
    let leader = { machine: here, follower: follow(cluster, here.within) };
    await until('the first has applied', () => leader.follower.told('applied') === 1);
    let other = { machine: there, follower: follow(cluster, there.within) };
    for (let turn = 1; turn <= times; turn += 1) {
      const ledBefore = other.follower.told('leading');
      rollOut(cluster, turn);
      await sleep(random.between(300, 4_000));
      await leader.machine.unplug();
      const began = performance.now();
      await until('the other one leads', () => other.follower.told('leading') > ledBefore);
      took(torture, 'the other led', performance.now() - began);
      await sleep(random.between(0, 6_000));
      await leader.machine.plug();
      await settle(torture, cluster, { instances: slowInstances, by: 'run', what: `cut off ${turn}` });
      if (leader.follower.told('the leader lease was lost') > 0) count(torture, 'cut off that gave up their lease');
      [leader, other] = [other, leader];
    }
  },
};

/** etcd's own leader loses its peers, while clients still reach it: it answers nothing any more. */
export const minority: Fault = {
  id: 'minority',
  what: 'the leader of three etcd members loses its peers, not its clients (network namespaces), under `muster apply`',
  times: { whole: 6, quick: 1 },
  needs: 'network',
  inject: async (torture) => {
    const network = await makeNetwork(3);
    torture.after(() => network.close());
    const etcd = await startEtcdMembers({ machines: network.machines });
    torture.after(() => etcd.stop());
    await eachTurn(torture, etcd, async () => {
      const leader = await etcd.leader();
      const others = network.machines.filter((_, index) => index !== leader);
      await network.machines[leader]?.loses(others);
      return async () => {
        await network.machines[leader]?.finds(others);
        await etcd.healthy();
      };
    });
  },
};
