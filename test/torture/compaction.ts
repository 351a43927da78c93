import { setTimeout as sleep } from 'node:timers/promises';
import { openStore, parseStoreLocation } from '../../src/store/open.ts';
import { maxOperations, type Operation, type Store } from '../../src/store/store.ts';
import { type EtcdServer, startEtcd } from '../bed/etcd.ts';
import { until } from '../e2e/cli.ts';
import { type DockerCluster, makeDockerCluster } from '../e2e/containers.ts';
import { count, type Fault, settle, type Torture, wrong } from './fault.ts';
import { follow, rollOut } from './followers.ts';
import { slowInstances, slowRollout } from './worlds.ts';

/** Ten pages. */
const records = 20_000;
/** Reads for each fault that is counted. */
const reads = 5;
/** Writes that a stopped process has not seen when they are compacted away. */
const writesMissed = 20;

/** History is compacted away in the middle of paged reads, and while a `muster run` that watches stands still. */
export const compaction: Fault = {
  id: 'compaction',
  what: 'etcd compacts its history in the middle of paged reads, and behind the back of a watching `muster run`',
  times: { whole: 6, quick: 1 },
  inject: async (torture) => {
    const etcd = await startEtcd();
    torture.after(() => etcd.stop());
    const cluster = await makeDockerCluster(torture, { etcd, files: { 'web.yaml': slowRollout(0) } });
    const { running, told } = follow(cluster);
    await until('it has applied', () => told('applied') === 1);
    const store = await openBeside(cluster, etcd);
    torture.after(() => store.close());
    await fill(store);
    for (let turn = 1; turn <= torture.times; turn += 1) {
      const before = await cutReads(etcd);
      for (let read = 0; read < reads; read += 1) await readWhileCompacting(torture, store, etcd);
      const cut = (await cutReads(etcd)) - before;
      for (let hit = 0; hit < cut; hit += 1) count(torture, 'reads cut off and begun anew');
      // Its watches are behind what is compacted away when it goes on; for less than its lease lives.
      running.child.kill('SIGSTOP');
      rollOut(cluster, turn);
      for (let write = 0; write < writesMissed; write += 1) touch(etcd);
      compact(etcd);
      await sleep(torture.random.between(500, 5_000));
      running.child.kill('SIGCONT');
      await until('it has applied', () => told('applied') > turn);
      await settle(torture, cluster, { instances: slowInstances, by: 'run', what: `compaction ${turn}` });
    }
  },
};

const openBeside = (cluster: DockerCluster, etcd: EtcdServer): Promise<Store> =>
  openStore({
    location: parseStoreLocation(`${etcd.endpoint.replace('http', 'etcd')}/muster`),
    cluster: cluster.name,
    mode: 'beside',
  });

/** What is there already, again and again below other names: as a large cluster's revisions would be. */
async function fill(store: Store): Promise<void> {
  const { entries } = await store.range('revision/');
  const [like] = entries;
  if (like === undefined) throw new Error('there is no revision to copy');
  const [, , , hash] = like.key.split('/');
  for (let from = 0; from < records; from += maxOperations) {
    const operations = Array.from({ length: maxOperations }, (_, index): Operation => {
      return { kind: 'put', key: `revision/old/web-${from + index}/${hash}`, value: like.value };
    });
    await store.txn({ compares: [], operations });
  }
}

async function readWhileCompacting(torture: Torture, store: Store, etcd: EtcdServer): Promise<void> {
  const began = performance.now();
  await store.range('revision/old/');
  const wholeMs = performance.now() - began;
  const reading = store.range('revision/old/');
  await sleep(torture.random.next() * wholeMs);
  touch(etcd);
  compact(etcd);
  const { entries } = await reading;
  const different = new Set(entries.map(({ key }) => key)).size;
  if (different !== records || entries.length !== records)
    wrong(torture, `a read across a compaction gave ${different} different of ${entries.length} records`);
}

/** A write of somebody else's: the history goes on. */
const touch = (etcd: EtcdServer): void => void etcd.ctl('put', '/elsewhere', '');

function compact(etcd: EtcdServer): void {
  const [status] = JSON.parse(etcd.ctl('endpoint', 'status', '-w', 'json')) as readonly {
    readonly Status: { readonly header: { readonly revision: number } };
  }[];
  etcd.ctl('compact', String(status?.Status.header.revision));
}

/** How many ranges etcd has refused because their revision was compacted away, by its own count. */
async function cutReads(etcd: EtcdServer): Promise<number> {
  const text = await (await fetch(`${etcd.endpoint}/metrics`)).text();
  const line = /^grpc_server_handled_total\{grpc_code="OutOfRange",grpc_method="Range".*\} (\d+)$/m.exec(text);
  return Number(line?.[1] ?? 0);
}
