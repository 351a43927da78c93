import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { type Cluster, makeCluster, type Running, until } from './cli.ts';
import { clusterFile, heldUntil, sleeper } from './repo.ts';

/** Waves of one, so that there are step boundaries. */
const slowly = '{groups: [1, 2, 100%], observe: 0s, healthyDeadline: 60s}';

const versions = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, environment }) => `${instance} ${environment['VERSION']}`);

const all = (version: string): readonly string[] => [0, 1, 2].map((ordinal) => `default/web/${ordinal} ${version}`);

const isAll = (cluster: Cluster, version: string) => (): boolean =>
  JSON.stringify(versions(cluster)) === JSON.stringify(all(version));

interface Bed {
  readonly cluster: Cluster;
  readonly web: (version: string) => string;
  /** Instances of a version wait at their gate until it is released. */
  release(version: string): void;
  /** Runs `muster …`, which has to end with this code; returns both outputs. */
  ok(args: readonly string[], code?: number): Promise<string>;
  json<T>(args: readonly string[]): Promise<T>;
}

async function bedOf(
  t: Parameters<typeof makeCluster>[0],
  options: { readonly firstPort: number; readonly store?: string },
): Promise<Bed> {
  const cluster = await makeCluster(t, { 'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], ...options }) });
  const gate = (version: string): string => join(cluster.folder, `go-${version}`);
  const environment: Record<string, string> = options.store === undefined ? {} : { MUSTER_STORE: options.store };
  const ok: Bed['ok'] = async (args, code = 0) => {
    const { code: ended, stdout, stderr } = await cluster.muster(args, environment);
    assert.equal(ended, code, `muster ${args.join(' ')}\n${stdout}${stderr}`);
    return `${stdout}${stderr}`;
  };
  return {
    cluster: { ...cluster, start: (args, more = {}) => cluster.start(args, { ...environment, ...more }) },
    web: (version) => sleeper({ name: 'web', replicas: 3, version, update: slowly, extra: [heldUntil(gate(version))] }),
    release: (version) => writeFileSync(gate(version), ''),
    ok,
    json: async (args) => {
      const { code, stdout, stderr } = await cluster.muster([...args, '-o', 'json'], environment);
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    },
  };
}

interface RunRow {
  readonly run: string;
  readonly state: string;
  readonly units: readonly { readonly unit: string; readonly state: string }[];
}

/** The run that is under way, once its first step waits at its gate. */
async function underWay({ cluster, json }: Pick<Bed, 'cluster' | 'json'>, version: string): Promise<string> {
  await until('a new instance is there', () => versions(cluster).some((line) => line.endsWith(` ${version}`)));
  const [run] = await json<readonly RunRow[]>(['runs', 'list']);
  assert.equal(run?.state, 'in flight');
  return run?.run ?? '';
}

async function follow(t: Parameters<typeof makeCluster>[0], { cluster }: Bed): Promise<Running> {
  const running = cluster.start(['run', '--listen', '127.0.0.1:0', '--interval', '200ms']);
  t.after(async () => {
    running.child.kill('SIGKILL');
    await running.finished;
  });
  return running;
}

async function steersALeader(t: Parameters<typeof makeCluster>[0], bed: Bed): Promise<void> {
  const { cluster, web, ok, json } = bed;
  bed.release('1');
  cluster.commit({ 'web.yaml': () => web('1') });
  const running = await follow(t, bed);
  await until('the first version runs', isAll(cluster, '1'));

  cluster.commit({ 'web.yaml': () => web('2') });
  const run = await underWay(bed, '2');
  const paused = await ok(['runs', 'pause', run, '--reason', 'looking at it']);
  assert.match(
    paused,
    new RegExp(`Asked muster run of .* \\(process ${running.child.pid} on .*\\), which leads since 2`),
  );
  assert.match(paused, /pauses: steps that were begun are finished, no new one is begun/);
  bed.release('2');
  await until('it pauses', async () => (await json<readonly RunRow[]>(['unit', 'list']))[0]?.state === 'paused');
  assert.match(await ok(['unit', 'show', 'default/web']), /paused by .* \(looking at it\)/);
  const between = versions(cluster);
  assert.equal(between.filter((line) => line.endsWith(' 2')).length, 1, between.join());
  assert.equal(between.length, 3);
  await ok(['store', 'check']);
  assert.match(await ok(['status']), /its unit is paused in run .*: muster unit show default\/web/);

  await ok(['runs', 'resume', run]);
  await until('all are of the second version', isAll(cluster, '2'));

  cluster.commit({ 'web.yaml': () => web('3') });
  const next = await underWay(bed, '3');
  await ok(['runs', 'cancel', next, '--reason', 'wrong build']);
  await until('it is undone', isAll(cluster, '2'));
  await until('nothing is in flight', async () => (await json<readonly RunRow[]>(['unit', 'list'])).length === 0);
  assert.match(await ok(['plan']), /cancelled by\s+\S+ \(wrong build\)/);

  bed.release('3');
  assert.match(await ok(['retry', 'default/web']), /Forgotten: /);
  await until('it is tried again', isAll(cluster, '3'));
  await overridesIt(bed);
  await outlivesIt(bed, running);
}

/** The leader dies; a command waits until that is known, and does it itself; the next leader heeds it. */
async function outlivesIt({ cluster, web, ok, json, release }: Bed, running: Running): Promise<void> {
  await until('nothing is in flight', async () => (await json<readonly RunRow[]>(['unit', 'list'])).length === 0);
  cluster.commit({ 'web.yaml': () => web('5') });
  const run = await underWay({ cluster, json }, '5');
  running.child.kill('SIGKILL');
  await running.finished;
  assert.match(
    await ok(['runs', 'pause', run, '--wait', '60s', '--lock-timeout', '60s']),
    /its units stay as they are/,
  );
  release('5');
  const next = cluster.start(['run', '--listen', '127.0.0.1:0', '--interval', '200ms']);
  try {
    await until('it leads', () => /units wait for an operator: muster unit list/.test(next.output().stdout));
    assert.ok(versions(cluster).some((line) => line.endsWith(' 4')));
    await ok(['runs', 'resume', run]);
    await until('it goes on', isAll(cluster, '5'));
    next.child.kill('SIGTERM');
    assert.equal((await next.finished).code, 0, next.output().stderr);
  } finally {
    next.child.kill('SIGKILL');
  }
}

/** Rolls back, goes back to git, freezes and thaws, while the leader follows. */
async function overridesIt({ cluster, web, ok, json, release }: Bed): Promise<void> {
  await until('nothing is in flight', async () => (await json<readonly RunRow[]>(['unit', 'list'])).length === 0);
  const said = await ok(['rollback', 'default/web', '--reason', 'INC-812', '--for', '2h']);
  assert.match(said, /default\/web goes back from \w+ to \w+\.\nPinned until .* \(INC-812\)/);
  assert.match(said, /muster run of .* goes by it from its next plan on/);
  await until('it is rolled back', isAll(cluster, '2'));
  assert.match(await ok(['rollback', 'default/web', '--reason', 'again'], 1), /it is on \w+ already, not on \w+/);
  assert.match(await ok(['status']), /Overrides\n {2}default\/web is pinned to \w+ until .* \(INC-812\)/s);
  await until('nothing is in flight', async () => (await json<readonly RunRow[]>(['unit', 'list'])).length === 0);
  assert.match(await ok(['retry', 'default/web']), /Lifted: the pin to /);
  await until('it follows git again', isAll(cluster, '3'));
  await until('nothing is in flight', async () => (await json<readonly RunRow[]>(['unit', 'list'])).length === 0);

  await ok(['freeze', 'default', '--reason', 'holiday']);
  release('4');
  cluster.commit({ 'web.yaml': () => web('4') });
  assert.match(await ok(['plan']), /namespace default is frozen until/);
  assert.match(await ok(['thaw', 'default/web'], 1), /it is frozen with Namespace default/);
  assert.ok(isAll(cluster, '3')());
  await ok(['thaw', 'default']);
  await until('it goes on', isAll(cluster, '4'));
}

describe('operators steer what is in flight', { concurrency: 3 }, () => {
  test('beside a muster run on the embedded store: pause, resume, cancel, retry', async (t) => {
    await steersALeader(t, await bedOf(t, { firstPort: 24_600 }));
  });

  test('beside a muster run in another process on etcd: pause, resume, cancel, retry', needsEtcd(), async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    const store = `${etcd.endpoint.replace('http:', 'etcd:')}/muster`;
    await steersALeader(t, await bedOf(t, { firstPort: 24_640, store }));
  });

  test('while nobody leads, overrides need no lock: they are written, shown, and lifted', async (t) => {
    const { cluster, web, ok, release } = await bedOf(t, { firstPort: 24_720 });
    release('1');
    cluster.commit({ 'web.yaml': () => web('1') });
    await ok(['apply', '--auto-approve']);
    assert.match(await ok(['node', 'cordon', 'n3', '--reason', 'fan'], 1), /there is no node n3\n {2}.*n1/s);
    assert.match(await ok(['node', 'cordon', 'n1'], 1), /required option '--reason <text>'/);
    const said = await ok(['node', 'cordon', 'n1', '--reason', 'fan']);
    assert.match(
      said,
      /n1 is cordoned until .* \(fan\): it keeps what it has and accepts nothing new\.\nThe next `muster apply`/,
    );
    assert.match(await ok(['plan']), /node n1 accepts nothing new until .*muster\s+node uncordon n1/s);
    assert.match(await ok(['node', 'cordon', 'n1', '--reason', 'noise']), /It replaces what .* \(fan\)/);
    assert.match(await ok(['node', 'uncordon', 'n1']), /not cordoned any more; it was until .* \(noise\)/);
    assert.match(await ok(['node', 'uncordon', 'n1'], 1), /not cordoned by an override; nothing was changed/);
    assert.match(await ok(['freeze', 'default/wep', '--reason', 'x'], 1), /Did you mean default\/web\?/);
    assert.match(await ok(['rollback', 'default/web', '--reason', 'x'], 1), /no good revision before \w+ is recorded/);
    const [run] = JSON.parse(await ok(['runs', 'list', '-o', 'json']));
    assert.match(
      await ok(['rollback', run.run, '--reason', 'x'], 1),
      /default\/web: the run brought it for the first time: take it out of git instead/,
    );
  });

  test('after a crash: what is in flight is shown, paused, left alone by apply, and abandoned', async (t) => {
    const bed = await bedOf(t, { firstPort: 24_680 });
    const { cluster, web, ok, json } = bed;
    bed.release('1');
    bed.release('2');
    cluster.commit({ 'web.yaml': () => web('1') });
    await ok(['apply', '--auto-approve']);
    assert.equal(await ok(['unit', 'list']), 'No unit is in flight.\n');
    assert.match(await ok(['unit', 'show', 'default/web'], 1), /no unit of default\/web is in flight/);

    cluster.commit({ 'web.yaml': () => web('2') });
    const crash = await cluster.start(['apply', '--auto-approve'], { MUSTER_FAILPOINT: 'journal:9' }).finished;
    assert.equal(crash.code, null, crash.stderr);
    const [unit] = await json<readonly { readonly run: string; readonly state: string }[]>(['unit', 'list']);
    assert.equal(unit?.state, 'running');
    assert.match(await ok(['unit', 'show', 'default/web']), /nobody works on it: the next `muster apply`/);
    assert.match(await ok(['runs', 'pause', unit?.run ?? '']), /is paused; its units stay as they are/);

    const before = cluster.programs().map(({ pid }) => pid);
    const left = await ok(['apply', '--auto-approve'], 1);
    assert.match(left, /default\/web waits for an operator \(muster unit show default\/web\)/);
    assert.deepEqual(
      cluster.programs().map(({ pid }) => pid),
      before,
    );

    assert.match(
      await ok(['unit', 'abandon', 'default/web', '--reason', 'seen enough']),
      /nothing that runs was touched/,
    );
    assert.deepEqual(
      cluster.programs().map(({ pid }) => pid),
      before,
    );
    assert.match(await ok(['runs', 'show', unit?.run ?? '']), /abandoned: abandoned by .* \(seen enough\)/);
    await ok(['apply', '--auto-approve']);
    await until('all are of the second version', isAll(cluster, '2'));
    await ok(['plan', '--detailed-exitcode']);
    assert.match(await ok(['unit', 'abandon', 'default/web'], 1), /no unit of default\/web is in flight/);
    assert.match(await ok(['runs', 'show', 'x'], 1), /there is no run x/);
  });
});

const fourEyes = `apiVersion: muster/v1
kind: Policy
metadata: {name: four-eyes}
spec: {approvals: [{when: recreate, approvers: 1, expires: 1h}]}
`;

describe('a policy asks people', { concurrency: 2 }, () => {
  test('apply refuses a plan of such a class until it is approved, and takes exactly the approved one', async (t) => {
    const { cluster, web, ok, release } = await bedOf(t, { firstPort: 24_760 });
    for (const version of ['1', '2', '3']) release(version);
    cluster.commit({ 'web.yaml': () => web('1'), 'policy.yaml': () => fourEyes });
    await ok(['apply', '--auto-approve']);
    cluster.commit({ 'web.yaml': () => web('2') });
    const file = join(cluster.folder, 'plan.json');
    assert.match(await ok(['plan', '--out', file]), /policy four-eyes asks for an approval of this plan/);
    const refused = await ok(['apply', '--auto-approve'], 3);
    assert.match(refused, /for replacements: default\/web \(3 steps\); 0 of 1 given\n {2}Nothing was applied/);
    await ok(['apply', file], 3);
    assert.ok(isAll(cluster, '1')());

    assert.match(await ok(['approve', 'abc'], 1), /abc is neither a file nor the id of a plan/);
    assert.match(
      await ok(['approve', 'abcdef0123'], 5),
      /the plan as of now is \w{12}, not abcdef0123; nothing was recorded/,
    );
    assert.match(
      await ok(['approve', file, '--reason', 'read it']),
      /approves plan sha256:\w+\.\nMet: .*1 of 1 given: /s,
    );
    await ok(['apply', file]);
    await until('all are of the second version', isAll(cluster, '2'));
    await ok(['store', 'check']);
    assert.match(await ok(['history', '--limit', '1']), /·\s+approved\s+by\s+\S+/);
    assert.match(await ok(['apply', file], 5), /stale/);
    const empty = join(cluster.folder, 'empty.json');
    await ok(['plan', '--out', empty]);
    assert.match(await ok(['approve', empty], 1), /needs nobody’s approval; nothing was recorded/);
  });

  test('muster run does everything else, says what waits, and goes on once it is approved', async (t) => {
    const bed = await bedOf(t, { firstPort: 24_800 });
    const { cluster, web, ok, release } = bed;
    for (const version of ['1', '2']) release(version);
    cluster.commit({ 'web.yaml': () => web('1'), 'policy.yaml': () => fourEyes });
    const running = await follow(t, bed);
    await until('the first version runs', isAll(cluster, '1'));
    cluster.commit({
      'web.yaml': () => web('2'),
      'other.yaml': () => sleeper({ name: 'other', replicas: 1 }),
    });
    await until('the other one is there', () => versions(cluster).includes('default/other/0 1'));
    await until('it says so', () => /waits for approval: muster approve PLAN/.test(running.output().stdout));
    assert.equal(versions(cluster).filter((line) => line.startsWith('default/web/') && line.endsWith(' 1')).length, 3);
    const id = /plan ([0-9a-f]{12}) /.exec(await ok(['plan']))?.[1] ?? '';
    const approved = await ok(['approve', id]);
    assert.match(approved, /muster run of .* goes by it from its next plan on/);
    const second = [0, 1, 2].map((ordinal) => `default/web/${ordinal} 2`);
    await until('it goes on', () => second.every((line) => versions(cluster).includes(line)));
    running.child.kill('SIGTERM');
    assert.equal((await running.finished).code, 0, running.output().stderr);
  });
});
