import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, makeCluster, until } from './cli.ts';
import { clusterFile, sleeper } from './repo.ts';

/** What the planner can do beyond rolling out, seen by who uses the command line: real processes on nodes of this machine. */
describe('through the command line', { concurrency: 2 }, () => {
  test('a node goes into maintenance and comes back: its static instance stops last, waits, and is brought back', async (t) => {
    const cluster = await makeCluster(t, {
      'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort: 25_500 }),
      'disk.yaml': sleeper({ name: 'disk', replicas: 2, extra: ['type: static'] }),
      'web.yaml': sleeper({ name: 'web', replicas: 2 }),
    });
    await run(cluster, applyNow, 0);
    assert.deepEqual(where(cluster), ['disk/0 n1', 'disk/1 n2', 'web/0 n1', 'web/1 n2']);

    cluster.commit({ 'cluster.yaml': onNode('n1', 'lifecycle: maintenance') });
    const plan = await run(cluster, ['plan', '--detailed-exitcode'], 2);
    assert.match(flat(plan.stdout), /n1 is in maintenance; it is started again when the node is back/);
    assert.match(plan.stdout, /^Plan: .* 1 to move, .*1 to stop/m);
    const { stderr } = await run(cluster, applyNow, 0);
    assert.ok(stderr.indexOf('web/0#') < stderr.indexOf('disk/0#'), `what can move goes first: ${stderr}`);
    assert.deepEqual(where(cluster), ['disk/1 n2', 'web/0 n2', 'web/1 n2']);

    const status = await run(cluster, ['status', '--detailed-exitcode'], 0);
    assert.match(flat(status.stdout), /held: stopped while n1 is in maintenance; started again when it is online/);
    assert.match(status.stdout, /Everything is as declared\./);
    await run(cluster, ['plan', '--detailed-exitcode'], 0);

    cluster.commit({ 'cluster.yaml': (text) => text.replace('  lifecycle: maintenance\n', '') });
    assert.match((await run(cluster, ['plan'], 0)).stdout, /n1 is back/);
    await run(cluster, applyNow, 0);
    assert.deepEqual(where(cluster), ['disk/0 n1', 'disk/1 n2', 'web/0 n2', 'web/1 n2']);
    assert.match((await run(cluster, ['status'], 0)).stdout, /0 +#3 +n1/, 'as a generation of its own');
    await run(cluster, ['plan', '--detailed-exitcode'], 0);
  });

  test('two nodes are drained together under the 1-2-10 rule: of six instances at least four run all along', async (t) => {
    const cluster = await makeCluster(t, {
      'cluster.yaml': clusterFile({ nodes: ['n1', 'n2', 'n3'], firstPort: 25_520 }),
      'web.yaml': sleeper({ name: 'web', replicas: 6, update: '{order: stop-first, healthyDeadline: 60s}' }),
    });
    await run(cluster, applyNow, 0);
    const drained = ['n1', 'n2'].map((name) => onNode(name, 'lifecycle: maintenance'));
    cluster.commit({ 'cluster.yaml': (text) => drained.reduce((before, edit) => edit(before), text) });
    const plan = await run(cluster, ['plan', '-o', 'json'], 0);
    const { units, goals, availability } = JSON.parse(plan.stdout) as PlanDocument;
    assert.deepEqual(
      units[0]?.waves.map(({ steps }) => steps.length),
      [2, 2],
    );
    assert.deepEqual(goals.map(({ node }) => node).sort(), ['n1', 'n2']);
    assert.equal(availability['default/web']?.lowest, 4);

    const applying = cluster.start(applyNow);
    let lowest = 6;
    let running = true;
    void applying.finished.finally(() => {
      running = false;
    });
    while (running) {
      lowest = Math.min(lowest, cluster.programs().length);
      await sleep(5);
    }
    assert.equal((await applying.finished).code, 0);
    assert.ok(lowest === 4 || lowest === 5, `${lowest} ran at one time`);
    assert.deepEqual(new Set(cluster.programs().map(({ node }) => node)), new Set(['n3']));
    assert.equal(cluster.programs().length, 6);
    await run(cluster, ['plan', '--detailed-exitcode'], 0);
  });

  test('a more urgent workload has the least urgent make room, and starts when that is done', async (t) => {
    const room = (cpu: string): string => `resources: {cpu: ${cpu}, memory: 1MiB}`;
    const sized = (text: string, cpu: string): string => text.replace(/ {2}resources: .*/, `  ${room(cpu)}`);
    const cluster = await makeCluster(t, {
      'cluster.yaml': clusterFile({ nodes: ['n1'], firstPort: 25_560, cpu: 1 }),
      'batch.yaml': sized(sleeper({ name: 'batch', replicas: 2, extra: ['priority: offline'] }), '500m'),
    });
    await run(cluster, applyNow, 0);
    cluster.commit({ 'urgent.yaml': () => sized(sleeper({ name: 'urgent', replicas: 1 }), '500m') });
    assert.match((await run(cluster, ['plan'], 3)).stdout, /default\/urgent: 1 of 1 instances? .*not fit/);
    cluster.commit({
      'urgent.yaml': () => sized(sleeper({ name: 'urgent', replicas: 1, extra: ['preemption: lower'] }), '500m'),
    });
    const plan = await run(cluster, ['plan'], 3);
    assert.match(flat(plan.stdout), /default\/urgent is more urgent and needs its room on n1/);
    const { stderr, stdout } = await run(cluster, applyNow, 3);
    assert.ok(stderr.indexOf('default/batch: done') < stderr.indexOf('default/urgent/0#'), stderr);
    assert.match(stdout, /Refused[\s\S]*default\/batch/);
    assert.deepEqual(where(cluster), ['batch/0 n1', 'urgent/0 n1']);
    assert.deepEqual((JSON.parse((await run(cluster, ['plan', '-o', 'json'], 3)).stdout) as PlanDocument).units, []);
  });

  test('a quota that is lowered is refused, or drained to where it says so', async (t) => {
    const quota = (instances: number, more = ''): string =>
      `apiVersion: muster/v1\nkind: Quota\nmetadata: {name: all}\nspec: {scope: {namespace: default}, limits: {instances: ${instances}}${more}}\n`;
    const cluster = await makeCluster(t, {
      'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort: 25_580 }),
      'quota.yaml': quota(6),
      'batch.yaml': sleeper({ name: 'batch', replicas: 3, extra: ['priority: offline'] }),
      'web.yaml': sleeper({ name: 'web', replicas: 3 }),
    });
    await run(cluster, applyNow, 0);
    cluster.commit({ 'quota.yaml': () => quota(4) });
    const refused = await run(cluster, applyNow, 3);
    assert.match(flat(refused.stdout), /quota all: 6 instances are used, and the limit is 4: 2 more than allowed/);
    assert.equal(cluster.programs().length, 6);
    cluster.commit({ 'quota.yaml': () => quota(4, ', drainToQuota: true') });
    await run(cluster, applyNow, 3);
    assert.deepEqual(
      where(cluster).map((line) => line.split(' ')[0]),
      ['batch/0', 'web/0', 'web/1', 'web/2'],
    );
    cluster.commit({ 'batch.yaml': (text) => text.replace('replicas: 3', 'replicas: 1') });
    await run(cluster, ['plan', '--detailed-exitcode'], 0);
  });

  test('a workload that is spread over zones stays so when a zone is given up for another', async (t) => {
    const zones = { n1: 'a', n2: 'a', n3: 'b', n4: 'c' };
    const cluster = await makeCluster(t, {
      'cluster.yaml': Object.entries(zones).reduce(
        (text, [name, zone]) => onNode(name, `zone: ${zone}`)(text),
        onNode('n4', 'lifecycle: spare')(clusterFile({ nodes: Object.keys(zones), firstPort: 25_600 })),
      ),
      'web.yaml': sleeper({
        name: 'web',
        replicas: 4,
        extra: ['placement: {spread: [{by: zone, minDomains: 2}]}'],
      }),
    });
    const zonesNow = (): string =>
      cluster
        .programs()
        .map(({ node }) => zones[node as keyof typeof zones])
        .sort()
        .join('');
    await run(cluster, applyNow, 0);
    assert.equal(zonesNow(), 'aabb');

    cluster.commit({ 'cluster.yaml': onNode('n3', 'lifecycle: maintenance') });
    const refused = await run(cluster, applyNow, 3);
    assert.match(flat(refused.stdout), /2 of 4 nodes are in zone a, which has its share \(spread needs 2 zones\)/);
    assert.equal(zonesNow(), 'aaab', 'one stays, since one zone is not two');

    cluster.commit({ 'cluster.yaml': (text) => text.replace('lifecycle: spare', 'lifecycle: online') });
    await run(cluster, applyNow, 0);
    assert.equal(zonesNow(), 'aaac', 'what is placed stays');
    await run(cluster, ['plan', '--detailed-exitcode'], 0);
    await run(cluster, ['rebalance', '--apply', '--auto-approve'], 0);
    assert.equal(zonesNow(), 'aacc', 'unless it is asked for');
    await run(cluster, ['plan', '--detailed-exitcode'], 0);
  });

  test('muster run notices a node that goes into maintenance, and one that is back', async (t) => {
    const cluster = await makeCluster(t, {
      'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort: 25_640 }),
      'disk.yaml': sleeper({ name: 'disk', replicas: 2, extra: ['type: static'] }),
    });
    const running = cluster.start(['run', '--listen', '127.0.0.1:0', '--interval', '200ms']);
    t.after(async () => {
      running.child.kill('SIGKILL');
      await running.finished;
    });
    const is = (expected: readonly string[]) => (): boolean => where(cluster).join() === expected.join();
    await until('both run', is(['disk/0 n1', 'disk/1 n2']));
    cluster.commit({ 'cluster.yaml': onNode('n2', 'lifecycle: maintenance') });
    await until('one stops', is(['disk/0 n1']));
    cluster.commit({ 'cluster.yaml': (text) => text.replace('  lifecycle: maintenance\n', '') });
    await until('it is back', is(['disk/0 n1', 'disk/1 n2']));
    running.child.kill('SIGTERM');
    assert.equal((await running.finished).code, 0);
  });
});

const applyNow = ['apply', '--auto-approve'];

/** Of the plan's JSON what these tests look at. */
interface PlanDocument {
  readonly units: readonly { readonly waves: readonly { readonly steps: readonly string[] }[] }[];
  readonly goals: readonly { readonly node: string }[];
  readonly availability: Readonly<Record<string, { readonly lowest: number }>>;
}

async function run(cluster: Cluster, args: readonly string[], expected: number) {
  const result = await cluster.muster(args);
  assert.equal(result.code, expected, `muster ${args.join(' ')}\n${result.stdout}${result.stderr}`);
  return result;
}

/** `web/0 n1`, sorted. */
const where = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, node }) => `${instance.replace('default/', '')} ${node}`);

/** Another line in the spec of a node. */
const onNode =
  (name: string, line: string) =>
  (text: string): string =>
    text.replace(`metadata: {name: ${name}}\nspec:\n`, `metadata: {name: ${name}}\nspec:\n  ${line}\n`);

const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');
