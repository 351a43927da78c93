import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Etcd3 } from 'etcd3';
import { liveFields } from '../src/engines/features.ts';
import { createSimEngine, type Sim } from '../src/engines/sim/sim.ts';
import type { Desired } from '../src/model/desired.ts';
import { clusterUid, runId, unitOf, workloadId } from '../src/model/ids.ts';
import { applyPlan } from '../src/reconcile/apply.ts';
import { systemClock } from '../src/reconcile/clock.ts';
import { commit, openJournal } from '../src/reconcile/journal.ts';
import { planAndVerify } from '../src/reconcile/planning.ts';
import { look } from '../src/reconcile/reconcile.ts';
import { emptyLedger } from '../src/reconcile/saga.ts';
import { openWriter } from '../src/reconcile/writer.ts';
import { acquireLeadership, type Leadership } from '../src/store/leader.ts';
import { openStore } from '../src/store/open.ts';
import { initialiseCluster } from '../src/store/recorded.ts';
import type { Store } from '../src/store/store.ts';
import { startEtcd } from '../test/bed/etcd.ts';
import { compile } from './compiled.ts';
import { generateDesired } from './desired.ts';
import { printTable, ratio } from './measure.ts';

/**
 * What the store costs an apply, with a real etcd of one member on this machine:
 *   node --import tsx bench/etcd-apply.ts [--instances 2000]
 * The journal beside bare transactions of the same content; then a whole apply, with the product's executor, journal and
 * lease, to engines that are in memory and answer at once: what is left is Muster and etcd.
 */
const records = 4_000;
/** Units that write at the same time: a run's default. */
const writers = 32;
const uid = clusterUid(randomUUID());
const valueBytes = 350;

async function main(): Promise<void> {
  const instances = Number(process.argv[2] ?? 2_000);
  const etcd = await startEtcd();
  try {
    const hosts = etcd.endpoint;
    const bare = [await bareRate(hosts), await bareRate(hosts)];
    const journal = [await journalRate(hosts), await journalRate(hosts)];
    const best = (rates: readonly number[]): number => Math.max(...rates);
    printTable(
      `${records} records of ${writers} units at a time, each with an allocation's change`,
      ['work', 'records a second', 'to bare transactions'],
      [
        ['bare transactions, one a record', best(bare).toFixed(0), ratio(1)],
        ['the journal', best(journal).toFixed(0), ratio(best(journal) / best(bare))],
      ],
    );
    const applied = await applyRate(hosts, instances);
    printTable(
      `${instances} instances on engines in memory`,
      ['apply', 'instances a second', 'store revisions an instance', 'records left of the run'],
      [
        [
          `${(applied.tookMs / 1000).toFixed(2)} s`,
          (instances / (applied.tookMs / 1000)).toFixed(0),
          (applied.revisions / instances).toFixed(2),
          String(applied.left),
        ],
      ],
    );
  } finally {
    await etcd.stop();
  }
}

/** Transactions with what the journal would write, by the same client, one a record. */
async function bareRate(hosts: string): Promise<number> {
  const client = new Etcd3({ hosts });
  const value = 'x'.repeat(valueBytes);
  const event = 'x'.repeat(110);
  try {
    await client.put('bare/leader').value('me').exec();
    return await rateOf(async (writer, index) => {
      await client
        .if('bare/leader', 'Value', '==', 'me')
        .then(
          client.put(`bare/${writer}/journal/${index}`).value(event),
          client.put(`bare/${writer}/alloc`).value(value),
        )
        .commit();
    });
  } finally {
    client.close();
  }
}

async function journalRate(hosts: string): Promise<number> {
  const { store, leadership, close } = await lead(hosts, `journal-${randomUUID()}`);
  const context = { store, leadership, clock: systemClock, run: runId('bench') };
  const shared = { ...context, writer: openWriter((operations) => commit(context, operations)) };
  const value = 'x'.repeat(valueBytes);
  const journals = Array.from({ length: writers }, (_, writer) =>
    openJournal(shared, unitOf(workloadId('default', `unit-${writer}`)), { ledger: emptyLedger(), next: 0 }),
  );
  try {
    return await rateOf(async (writer, index) => {
      await journals[writer]?.append(
        [{ kind: 'effectStarted', effect: `s${index}:create:default/unit-${writer}/${index}#1` }],
        [{ kind: 'put', key: `alloc/default/unit-${writer}/0/1`, value }],
      );
    });
  } finally {
    await close();
  }
}

/** Records a second, of so many writers at a time, each one after the other. */
async function rateOf(write: (writer: number, index: number) => Promise<void>): Promise<number> {
  const began = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      for (let index = 0; index < records / writers; index += 1) await write(writer, index);
    }),
  );
  return records / ((performance.now() - began) / 1000);
}

async function lead(
  hosts: string,
  cluster: string,
): Promise<{ readonly store: Store; readonly leadership: Leadership; close(): Promise<void> }> {
  const location = { kind: 'etcd', endpoints: [hosts], prefix: '/bench' } as const;
  const store = await openStore({ location, cluster, mode: 'write' });
  const leadership = await acquireLeadership(store, {
    holder: { actor: 'bench', pid: process.pid, host: 'here', command: 'bench' },
    clock: systemClock,
    ttlMs: 10_000,
    waitMs: 0,
    signal: new AbortController().signal,
  });
  const close = async (): Promise<void> => {
    await leadership.release();
    await store.close();
  };
  return { store, leadership, close };
}

async function applyRate(hosts: string, instances: number) {
  const desired = worldOf(instances);
  const { store, leadership, close } = await lead(hosts, desired.cluster.name);
  try {
    await initialiseCluster(store, { uid, fence: leadership.compare });
    const engines = enginesOf(desired);
    const seen = await look({ desired, store, engines, clock: systemClock });
    const planned = planAndVerify({ desired, ...seen, now: Date.now(), expiresAfterMs: 60_000, liveFields });
    const never = new AbortController().signal;
    const before = (await store.range('format')).revision;
    const began = performance.now();
    const outcome = await applyPlan(
      {
        store,
        leadership,
        engines,
        desired,
        clock: systemClock,
        progress: () => undefined,
        softStop: never,
        hardStop: never,
        actor: 'bench',
      },
      planned.plan,
    );
    const tookMs = performance.now() - began;
    const bad = outcome.units.filter(({ state }) => state !== 'done');
    if (bad.length > 0 || planned.plan.steps.length !== instances) throw new Error(JSON.stringify(bad.slice(0, 3)));
    const after = await store.range('run/');
    return { tookMs, revisions: after.revision - before, left: after.entries.length };
  } finally {
    await close();
  }
}

/** 20 instances a node, 40 a workload, all of them in one wave that is not watched for longer. */
function worldOf(instances: number): Desired {
  const size = { nodes: Math.ceil(instances / 20), instances, workloads: Math.ceil(instances / 40) };
  const desired = generateDesired({ ...size, seed: 1, kind: 'plain' });
  const groups = [{ kind: 'percent', percent: 100 }] as const;
  const workloads = desired.workloads.map(({ revision: { health: _, ...revision }, update, ...rest }) => ({
    ...rest,
    // Nothing answers a check: a gate looks twice whether it runs.
    revision,
    update: { ...update, groups, observeMs: 0 },
  }));
  return { ...desired, workloads };
}

function enginesOf({ nodes, cluster }: Desired) {
  const sims = new Map<string, Sim>(
    nodes.map((node, seed) => [node.name, createSimEngine({ node: node.name, kind: 'docker', seed })]),
  );
  return {
    engineOf: async (node: string) => {
      const sim = sims.get(node);
      if (sim === undefined) throw new Error(`no node ${node}`);
      return sim.open({ name: cluster.name, uid });
    },
    close: async () => undefined,
  };
}

// As the product does: every engine call listens to the one signal that ends a run.
setMaxListeners(10_000);
if (process.argv[1]?.endsWith('.ts') === true) {
  const { execFileSync } = await import('node:child_process');
  execFileSync(process.execPath, [compile(import.meta.filename), ...process.argv.slice(2)], { stdio: 'inherit' });
} else await main();
