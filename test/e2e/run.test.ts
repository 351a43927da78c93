import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Cluster, endProcess, makeCluster, type Running, until } from './cli.ts';
import { clusterFile, sleeper } from './repo.ts';

const quick = '{groups: [100%], observe: 0s, healthyDeadline: 60s}';
const runNow = ['run', '--listen', '127.0.0.1:0', '--interval', '200ms'];
const web = (fields: Partial<Parameters<typeof sleeper>[0]> = {}): string =>
  sleeper({ name: 'web', replicas: 2, update: quick, ...fields });

const logTailChars = 3_000;

interface Line {
  readonly msg: string;
  readonly level: number;
  readonly [field: string]: unknown;
}

/** Every line is JSON: what is not throws here. The last one may be half written. */
const lines = (running: Running): readonly Line[] =>
  running
    .output()
    .stdout.split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

const said = (running: Running, msg: string): readonly Line[] => lines(running).filter((line) => line.msg === msg);

const versions = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, environment }) => `${instance} ${environment['VERSION']}`);

const is = (cluster: Cluster, expected: readonly string[]) => (): boolean =>
  JSON.stringify(versions(cluster)) === JSON.stringify(expected);

/** Started daemons end before the processes that they would heal: their `after` comes first. */
async function follow(t: Parameters<typeof makeCluster>[0], firstPort: number) {
  const daemons: Running[] = [];
  t.after(async () => {
    for (const { child } of daemons) child.kill('SIGKILL');
    await Promise.all(daemons.map(({ finished }) => finished));
  });
  const cluster = await makeCluster(t, {
    'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort }),
    'web.yaml': web(),
  });
  const start = (): Running => {
    const running = cluster.start(runNow);
    daemons.push(running);
    return running;
  };
  return { cluster, start };
}

const addressOf = (running: Running): string => String(said(running, 'serving /healthz and /metrics')[0]?.['address']);

describe('muster run on a git repository', { concurrency: 2 }, () => {
  test('what is committed is applied, what dies comes back, a broken commit changes nothing, SIGTERM ends it', async (t) => {
    const { cluster, start } = await follow(t, 24_420);
    const running = start();
    await until('the first commit is applied', is(cluster, ['default/web/0 1', 'default/web/1 1']));

    const commit = cluster.commit({ 'web.yaml': () => web({ version: '2', replicas: 3 }) });
    await until('the second is', is(cluster, ['default/web/0 2', 'default/web/1 2', 'default/web/2 2']));
    assert.ok(said(running, 'planned').some((line) => JSON.stringify(line['commits']).includes(commit)));

    const address = addressOf(running);
    const health = await fetch(`${address}/healthz`);
    assert.equal(health.status, 200);
    assert.equal(((await health.json()) as { role: string }).role, 'leader');
    const applied = /muster_units_total\{state="done",cluster="tiny"\} 2/;
    const metrics = async (): Promise<string> => await (await fetch(`${address}/metrics`)).text();
    await until('both runs are counted', async () => applied.test(await metrics()));
    const victim = cluster.programs()[1];
    assert.ok(victim);
    const killedAt = Date.now();
    endProcess(victim.pid);
    await until('it is back', () =>
      cluster.programs().some(({ pid, instance }) => instance === victim.instance && pid !== victim.pid),
    );
    const tookMs = Date.now() - killedAt;
    t.diagnostic(`killed → back: ${tookMs} ms`);
    assert.ok(tookMs < 15_000, 'an event wakes the loop, it does not wait for the next resync (30 s)');
    assert.equal(versions(cluster).length, 3);

    cluster.commit({ 'web.yaml': (text) => text.replace('replicas: 3', 'replica: 1') });
    const broken = 'the source does not load; the last good commit stays in force';
    await until('the broken commit is noticed', () => said(running, broken).length > 0).catch((error: Error) => {
      throw new Error(`${error.message}; its log ends with\n${running.output().stdout.slice(-logTailChars)}`);
    });
    assert.ok(
      said(running, 'configuration').some(
        (line) => /unknown key "replica"/.test(String(line['problem'])) && line['line'] !== undefined,
      ),
    );
    const second = cluster.programs()[0];
    assert.ok(second);
    endProcess(second.pid);
    await until('healing goes on', () =>
      cluster.programs().some(({ pid, instance }) => instance === second.instance && pid !== second.pid),
    );
    assert.equal(versions(cluster).length, 3, 'and nothing was removed');
    assert.equal((await fetch(`${address}/healthz`)).status, 200);

    const before = cluster.programs().map(({ pid }) => pid);
    running.child.kill('SIGTERM');
    const ended = await running.finished;
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(lines(running).at(-1)?.msg, 'stopped; what runs goes on running');
    assert.deepEqual(
      cluster.programs().map(({ pid }) => pid),
      before,
      'what runs is not touched',
    );
    cluster.commit({ 'web.yaml': (text) => text.replace('replica: 1', 'replicas: 3') });
    const apply = await cluster.muster(['apply', '--auto-approve']);
    assert.equal(apply.code, 0, `the lease is free at once: ${apply.stderr}`);
  });

  test('a second one stands by, and takes over when the first is killed -9 in the middle of a rollout', async (t) => {
    const { cluster, start } = await follow(t, 24_460);
    const first = start();
    await until('the first applies', is(cluster, ['default/web/0 1', 'default/web/1 1']));
    const second = start();
    await until('the second waits', () => said(second, 'waiting for the store').length > 0);
    const standby = await fetch(`${addressOf(second)}/healthz`);
    assert.equal(((await standby.json()) as { role: string }).role, 'standby');

    cluster.commit({
      'web.yaml': () => web({ version: '2', update: '{groups: [1, 100%], observe: 3s, healthyDeadline: 60s}' }),
    });
    await until('the rollout has begun', () => versions(cluster).includes('default/web/0 2'));
    first.child.kill('SIGKILL');
    await until('the second leads', () => said(second, 'leading').length > 0);
    await until('and finishes it', is(cluster, ['default/web/0 2', 'default/web/1 2']));
    await until('and says so', () => said(second, 'finished what an earlier run left').length === 1);
    second.child.kill('SIGTERM');
    assert.equal((await second.finished).code, 0);
    assert.equal((await cluster.muster(['plan', '--detailed-exitcode'])).code, 0);
  });
});
