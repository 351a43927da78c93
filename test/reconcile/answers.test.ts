import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Desired } from '../../src/model/desired.ts';
import { unitOf } from '../../src/model/ids.ts';
import { openDesk } from '../../src/reconcile/desk.ts';
import { Halted } from '../../src/reconcile/halt.ts';
import { readOpenUnits } from '../../src/reconcile/journal.ts';
import { recoverRuns } from '../../src/reconcile/recover.ts';
import { type Answer, type Command, readRequests, writeRequest } from '../../src/reconcile/requests.ts';
import { StoreError } from '../../src/store/store.ts';
import { Died, dyingStore } from '../store/dying.ts';
import { type Bench, workloadOf } from './harness.ts';
import { only, openWeb, web } from './worlds.ts';

type Test = { after(clean: () => Promise<void>): void };

interface Situation {
  readonly name: string;
  /** Brings about what the command is about. */
  begin(t: Test): Promise<{ readonly bench: Bench; readonly desired: Desired; readonly command: Command }>;
}

const unit = unitOf(web('1').id);
const broken = only(web('2', { replicas: 1, env: { BROKEN: 'yes' } }));

/** Its new revision fails its gate, and its node refuses once to remove what is to go. */
async function stuck(t: Test): Promise<Bench> {
  const bench = await openWeb(t);
  await bench.run(only(web('1', { replicas: 1 })));
  for (const sim of bench.sims.values())
    sim.inject({ call: 'remove', fault: { kind: 'failBefore', code: 'rejected' }, times: 1 });
  const { outcome } = await bench.run(broken);
  assert.equal(outcome.units[0]?.state, 'stuck');
  return bench;
}

const both = { ...broken, workloads: ['api', 'web'].map((name) => workloadOf(name, { replicas: 2, version: '1' })) };

/** A leader has died in the middle of two units. */
async function leftOpen(t: Test): Promise<Bench> {
  const bench = await openWeb(t);
  await assert.rejects(bench.run(both, { death: { atTransaction: 6, moment: 'after' } }), Died);
  assert.ok((await readOpenUnits(bench.store)).begun.length > 0);
  return bench;
}

const runIn = async (bench: Bench) => {
  const run = (await readOpenUnits(bench.store)).begun[0]?.run;
  assert.ok(run !== undefined);
  return run;
};

const situations: readonly Situation[] = [
  ...(['retryUnit', 'skipUnit', 'abandonUnit'] as const).map((kind) => ({
    name: kind,
    begin: async (t: Test) => ({ bench: await stuck(t), desired: broken, command: { kind, unit } }),
  })),
  ...(['pauseRun', 'cancelRun'] as const).map((kind) => ({
    name: kind,
    begin: async (t: Test) => {
      const bench = await leftOpen(t);
      return { bench, desired: both, command: { kind, run: await runIn(bench) } };
    },
  })),
  {
    name: 'resumeRun',
    begin: async (t) => {
      const bench = await leftOpen(t);
      const run = await runIn(bench);
      assert.equal((await bench.tell(both, { kind: 'pauseRun', run })).kind, 'done');
      return { bench, desired: both, command: { kind: 'resumeRun', run } };
    },
  },
  {
    name: 'retryWorkload',
    begin: async (t) => {
      const bench = await stuck(t);
      await bench.tell(broken, { kind: 'retryUnit', unit });
      return { bench, desired: broken, command: { kind: 'retryWorkload', workload: web('1').id } };
    },
  },
];

const cutOff = (): StoreError => new StoreError({ code: 'closed', message: 'cut off', retryable: false });

describe('whoever asked the leader', () => {
  for (const { name, begin } of situations) {
    test(`${name} is answered as it was done, wherever the leader dies in the middle of it`, async (t) => {
      for (const moment of ['before', 'after'] as const) {
        for (let nth = 1; ; nth += 1) {
          const { bench, desired, command } = await begin(t);
          const at = bench.clock.now();
          await writeRequest(bench.store, { id: 'r1', command, actor: 'alice@desk', at, until: at + 600_000 });
          const survived = await bench.lead(desired, async (dependencies) => {
            const mortal = {
              ...dependencies,
              store: dyingStore(dependencies.store, { atTransaction: nth, moment }, cutOff),
            };
            const desk = openDesk(() => mortal);
            const outcome = await desk.takeUp().then(
              () => true,
              (error: unknown) => {
                assert.ok(error instanceof Halted || error instanceof StoreError, String(error));
                return false;
              },
            );
            await desk.close();
            return outcome;
          });
          const answer = await answered(bench, desired);
          assert.equal(answer.kind, 'done', `${moment} transaction ${nth}: ${answer.message}`);
          if (survived) break;
        }
      }
    });
  }
});

/** The next leader takes up what is there, and what that left open. */
async function answered(bench: Bench, desired: Desired): Promise<Answer> {
  await bench.lead(desired, async (dependencies) => {
    const desk = openDesk(() => dependencies);
    await desk.takeUp();
    await recoverRuns(dependencies);
    await desk.close();
  });
  const [request] = (await readRequests(bench.store)).requests;
  assert.ok(request?.answer !== undefined, 'the request is there, with its answer');
  return request.answer;
}
