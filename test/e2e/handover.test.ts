import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { type Cluster, makeCluster, type Running, until } from './cli.ts';
import { clusterFile, sleeper } from './repo.ts';

/** As in `src/cli/world.ts`: how long a leader's lease lives without it. */
const leaseTtlMs = 10_000;
const rounds = 3;

describe('two of muster run on one etcd', needsEtcd(), () => {
  test('a leader that is told to stop hands over within 200 ms, and nothing is restarted', async (t) => {
    const took = await successions(t, { firstPort: 27_660, signal: 'SIGTERM' });
    // The machine may be busy with other tests: the best round says what Muster takes, every round that it never waits for the lease.
    assert.ok(Math.min(...took) <= 200, `handed over after ${took.join(', ')} ms`);
    assert.ok(Math.max(...took) < leaseTtlMs / 2, `handed over after ${took.join(', ')} ms`);
  });

  test('of one that dies the other takes over within the lease and a second', async (t) => {
    const took = await successions(t, { firstPort: 27_680, signal: 'SIGKILL' });
    assert.ok(Math.min(...took) <= leaseTtlMs + 1_000, `taken over after ${took.join(', ')} ms`);
    assert.ok(Math.max(...took) <= leaseTtlMs + 3_000, `taken over after ${took.join(', ')} ms`);
  });
});

/** How long it takes, in ms, from the signal to the leader until the one that waits says that it leads. */
async function successions(
  t: TestContext,
  of: { readonly firstPort: number; readonly signal: 'SIGTERM' | 'SIGKILL' },
): Promise<readonly number[]> {
  const etcd = await startEtcd();
  t.after(() => etcd.stop());
  const cluster = await makeCluster(t, {
    'cluster.yaml': clusterFile({ nodes: ['n1'], firstPort: of.firstPort }),
    'web.yaml': sleeper({ name: 'web', replicas: 2 }),
  });
  const start = (): Running => {
    const store = `${etcd.endpoint.replace('http', 'etcd')}/handover`;
    const running = cluster.start(['run', '--listen', '127.0.0.1:0'], { MUSTER_STORE: store });
    t.after(() => running.child.kill('SIGKILL'));
    return running;
  };
  let leader = start();
  await until('the first leads', () => saidAt(leader, 'applied') !== undefined);
  const programs = programsOf(cluster);
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const next = start();
    await until('the other waits', () => saidAt(next, 'waiting for the leader lease') !== undefined);
    // So that it is waiting for a change, not between two looks.
    await new Promise((resolve) => setTimeout(resolve, 300));
    const at = Date.now();
    leader.child.kill(of.signal);
    await until('the other leads', () => saidAt(next, 'leading') !== undefined);
    took.push((saidAt(next, 'leading') ?? Number.NaN) - at);
    const { code } = await leader.finished;
    assert.equal(code, of.signal === 'SIGTERM' ? 0 : null);
    leader = next;
  }
  assert.deepEqual(programsOf(cluster), programs, 'what runs was not touched');
  leader.child.kill('SIGTERM');
  assert.equal((await leader.finished).code, 0);
  t.diagnostic(`${of.signal}: ${took.join(', ')} ms`);
  return took;
}

/** By its own clock, which is this machine's: unix ms of the first line with this message. */
function saidAt(running: Running, message: string): number | undefined {
  for (const line of running.output().stdout.split('\n')) {
    if (!line.includes(`"msg":"${message}"`)) continue;
    return (JSON.parse(line) as { readonly time: number }).time;
  }
  return undefined;
}

const programsOf = (cluster: Cluster): readonly unknown[] =>
  cluster.programs().map(({ pid, instance }) => [pid, instance]);
