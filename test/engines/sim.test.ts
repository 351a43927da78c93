import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CreateRequest, type Engine, EngineError } from '../../src/engines/engine.ts';
import { createSimEngine, type Sim } from '../../src/engines/sim/sim.ts';
import type { SimProgram } from '../../src/engines/sim/world.ts';
import {
  allocationId,
  clusterUid,
  fencingToken,
  instanceId,
  nodeName,
  revisionHash,
  workloadId,
} from '../../src/model/ids.ts';
import type { Revision } from '../../src/model/revision.ts';
import { engineContract, type Program } from '../contract/engine.ts';
import { processRevision } from './process-programs.ts';

engineContract('sim', {
  clusterName: 'contract',
  harness: async () => {
    const sim = createSimEngine({
      node: nodeName('n1'),
      kind: 'docker',
      seed: 1,
      exec: (environment) => ({ exitCode: 3, output: `${environment['GREETING']}\n` }),
    });
    return {
      firstPort: 19_300,
      open: async (cluster) => sim.open(cluster),
      revision: (program, overrides) => ({ ...simRevision(simProgram(program)), ...overrides }),
      foreign: async (name) => {
        sim.addForeign({ name });
        return { untouched: async () => sim.foreignNames().includes(name) };
      },
      cleanUp: async () => undefined,
    };
  },
});

describe('a simulated engine', () => {
  it('loses the reply of a call that happened, and finds it done when asked again', async () => {
    const { sim, engine } = begin();
    sim.inject({ call: 'create', fault: { kind: 'failAfter' }, times: 1 });
    await assert.rejects(engine.create(request(1), call), { code: 'unreachable', retryable: true });
    assert.equal(sim.objects().length, 1);
    const { objectId } = await engine.create(request(1), call);
    assert.equal(sim.objects()[0]?.objectId, objectId);
  });

  it('fails before anything happened, with the error that was asked for', async () => {
    const { sim, engine } = begin();
    sim.inject({ call: 'create', fault: { kind: 'failBefore', code: 'noSpace' }, times: 1 });
    await assert.rejects(engine.create(request(1), call), { code: 'noSpace', retryable: false });
    assert.equal(sim.objects().length, 0);
  });

  it('hangs until the deadline of the call', async () => {
    const { sim, engine } = begin();
    sim.inject({ call: 'ping', fault: { kind: 'hang' }, times: 1 });
    await assert.rejects(engine.ping({ deadlineMs: 50 }), { code: 'timeout', retryable: true });
    await engine.ping(call);
  });

  it('goes on running what it runs while it cannot be reached', async () => {
    const { sim, engine } = begin();
    const { objectId } = await engine.create(request(1), call);
    await engine.start(objectId, call);
    sim.setReachable('unreachable');
    await assert.rejects(engine.observe(objectId, call), { code: 'unreachable' });
    sim.setReachable('reachable');
    assert.equal((await engine.observe(objectId, call))?.state, 'running');
    assert.equal(sim.objects()[0]?.executions, 1);
  });

  it('shows a crash and a hand-removed object', async () => {
    const { sim, engine } = begin();
    const { objectId } = await engine.create(request(1), call);
    await engine.start(objectId, call);
    sim.crash(objectId, { exitCode: 9 });
    assert.equal((await engine.observe(objectId, call))?.exitCode, 9);
    sim.vanish(objectId);
    assert.equal(await engine.observe(objectId, call), undefined);
  });

  it('refuses a port that something foreign has', async () => {
    const { sim, engine } = begin();
    sim.addForeign({ name: 'nginx', ports: [20_001] });
    await assert.rejects(engine.create(request(1), call), { code: 'portTaken' });
  });

  it('repeats its faults for the same seed, and has others for another', async () => {
    const rates = { failBefore: 0.2, failAfter: 0.2, crash: 0.1, vanish: 0.1 };
    const run = async (seed: number): Promise<string> => {
      const engine = createSimEngine({ node: nodeName('n1'), kind: 'docker', seed, faults: rates }).open(cluster);
      const outcomes: string[] = [];
      for (let ordinal = 0; ordinal < 40; ordinal += 1) {
        outcomes.push(await outcome(engine.create(request(ordinal), call)));
        outcomes.push(await outcome(engine.start(`sim-n1-shop/web/${ordinal}#1`, call)));
      }
      return outcomes.join(' ');
    };
    assert.equal(await run(7), await run(7));
    assert.notEqual(await run(7), await run(8));
  });
});

const call = { deadlineMs: 10_000 };
const cluster = { name: 'prod', uid: clusterUid('11111111-1111-4111-8111-111111111111') };

function begin(): { readonly sim: Sim; readonly engine: Engine } {
  const sim = createSimEngine({ node: nodeName('n1'), kind: 'docker', seed: 1 });
  return { sim, engine: sim.open(cluster) };
}

const request = (ordinal: number): CreateRequest => ({
  allocation: allocationId(instanceId(workloadId('shop', 'web'), ordinal), 1),
  revisionHash: revisionHash('0123456789abcdef'),
  revision: simRevision({}),
  holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, ports: { http: 20_000 + ordinal } },
  token: fencingToken({ epoch: 1, createRevision: 7 }),
  effect: `s${ordinal}:create`,
});

const simRevision = (sim: SimProgram): Revision => ({
  ...processRevision({ command: ['program'] }),
  engine: 'docker',
  options: { sim },
});

const ready = { stream: 'stdout', text: 'ready' } as const;

function simProgram(program: Program): SimProgram {
  switch (program.kind) {
    case 'run':
      return { prints: [ready] };
    case 'ignoreTerm':
      return { prints: [ready], ignoresTerm: true };
    case 'exit':
      return { exitCode: program.code };
    case 'print':
      return {
        prints: [
          ...program.stdout.map((text) => ({ stream: 'stdout', text }) as const),
          ...program.stderr.map((text) => ({ stream: 'stderr', text }) as const),
        ],
      };
    case 'environment':
      return { printsEnvironment: program.names };
  }
}

const outcome = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof EngineError ? error.code : String(error)),
  );
