import { setTimeout as sleep } from 'node:timers/promises';
import { type EtcdServer, startEtcd } from '../bed/etcd.ts';
import { until } from '../e2e/cli.ts';
import { makeDockerCluster } from '../e2e/containers.ts';
import { count, type Fault, settle, took, wrong } from './fault.ts';
import { follow, rollOut } from './followers.ts';
import { slowInstances, slowRollout } from './worlds.ts';

const quotaBytes = 16 * 1024 * 1024;
/** Below what a command line may be long. */
const fillBytes = 120_000;
const mostFills = 500;

/** etcd's database is full in the middle of a rollout: it raises an alarm and takes no write any more. */
export const space: Fault = {
  id: 'space',
  what: 'etcd full (`--quota-backend-bytes`), alarm NOSPACE, under `muster run`; then defrag and disarm',
  times: { whole: 5, quick: 1 },
  inject: async (torture) => {
    const { random, times } = torture;
    const etcd = await startEtcd({ quotaBytes });
    torture.after(() => etcd.stop());
    const cluster = await makeDockerCluster(torture, { etcd, files: { 'web.yaml': slowRollout(0) } });
    const { running, told } = follow(cluster);
    await until('it has applied', () => told('applied') === 1);
    for (let turn = 1; turn <= times; turn += 1) {
      const before = running.output().stdout.length;
      rollOut(cluster, 2 * turn);
      await sleep(random.between(0, 3_000));
      fill(etcd);
      // Should the rollout be through already: this one meets the full store.
      rollOut(cluster, 2 * turn + 1);
      const said = (): string => running.output().stdout.slice(before);
      await until('it says so', () => said().includes('database space exceeded'));
      count(torture, 'said that etcd is full');
      await serves(cluster, (text) => wrong(torture, text));
      await sleep(random.between(0, 15_000));
      const began = performance.now();
      makeRoom(etcd);
      await settle(torture, cluster, { instances: slowInstances, by: 'run', what: `full ${turn}` });
      took(torture, 'from disarm to rest', performance.now() - began);
      if (running.child.exitCode !== null) wrong(torture, `muster run ended with ${running.child.exitCode}`);
    }
  },
};

function fill(etcd: EtcdServer): void {
  const text = 'x'.repeat(fillBytes);
  for (let index = 0; index < mostFills; index += 1) {
    try {
      etcd.ctl('put', `/filling/${index}`, text);
    } catch (error) {
      if (/database space exceeded/.test(String((error as { readonly stderr?: unknown }).stderr))) return;
      throw error;
    }
  }
  throw new Error('etcd was never full');
}

/** What ran goes on: at most one of three is being replaced. */
async function serves(
  cluster: { containers(): Promise<readonly { readonly state: string }[]> },
  wrong: (text: string) => void,
): Promise<void> {
  const running = (await cluster.containers()).filter(({ state }) => state === 'running').length;
  if (running < slowInstances.length - 1) wrong(`${running} of ${slowInstances.length} run while etcd is full`);
}

/** What an operator does: drop the history, give the room back, take the alarm off. */
function makeRoom(etcd: EtcdServer): void {
  etcd.ctl('del', '--prefix', '/filling/');
  const [status] = JSON.parse(etcd.ctl('endpoint', 'status', '-w', 'json')) as readonly {
    readonly Status: { readonly header: { readonly revision: number } };
  }[];
  etcd.ctl('compact', String(status?.Status.header.revision));
  etcd.ctl('defrag');
  etcd.ctl('alarm', 'disarm');
}
