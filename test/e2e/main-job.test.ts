import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import { muster } from '../cli/muster.ts';
import { type Cluster, endProcess, makeCluster, until } from './cli.ts';
import { clusterFile, sleeper } from './repo.ts';

const applyNow = ['apply', '--auto-approve'];

function assertMatches(schema: 'plan' | 'snapshot', text: string): void {
  const ajv = new Ajv({ strict: false, allErrors: true });
  const file = resolve(import.meta.dirname, `../../schema/${schema}.schema.json`);
  const validate = ajv.compile(JSON.parse(readFileSync(file, 'utf8')) as object);
  assert.ok(validate(JSON.parse(text)), ajv.errorsText(validate.errors, { separator: '\n' }));
}

const webs = (cluster: Cluster): readonly string[] =>
  cluster
    .programs()
    .filter(({ instance }) => instance.startsWith('shop/web/'))
    .map(({ instance, environment }) => `${instance} v${environment['VERSION']}`);

/** What a user of each web instance gets. */
async function answers(cluster: Cluster): Promise<readonly string[]> {
  const ports = cluster
    .programs()
    .flatMap(({ instance, environment }) => (instance.startsWith('shop/web/') ? [environment['PORT_HTTP']] : []));
  return Promise.all(
    ports.map(async (port) => (await (await fetch(`http://127.0.0.1:${port}/`)).text()).replace(/ on n\d\n$/, '')),
  );
}

const web = 'workloads/web.yaml';

describe('the main job', { concurrency: 2 }, () => {
  test('git → plan → apply → status → rolling update → drift → heal → rollback → refusal → removal', async (t) => {
    const cluster = await makeCluster(t, 'quickstart');
    cluster.commit({
      'nodes/local.yaml': (text) => text.replaceAll(/range: 31(\d)\d\d-31\d\d\d/g, 'range: 25$100-25$199'),
    });
    const run = async (args: readonly string[], expected: number) => {
      const result = await cluster.muster(args);
      assert.equal(result.code, expected, `muster ${args.join(' ')}\n${result.stdout}${result.stderr}`);
      return result;
    };

    await t.test('a repo is valid, its plan changes something, and applying it serves', async () => {
      assert.match((await run(['validate'], 0)).stdout, /^Valid: cluster quickstart, 3 nodes/m);
      const plan = await run(['plan', '--detailed-exitcode'], 2);
      assert.match(plan.stdout, /^Plan: 8 to create/m);
      assertMatches('plan', (await run(['plan', '-o', 'json'], 0)).stdout);
      await run(applyNow, 0);
      assert.deepEqual(webs(cluster), ['shop/web/0 v1', 'shop/web/1 v1', 'shop/web/2 v1']);
      assert.deepEqual(await answers(cluster), [
        'web 1 from shop/web/0',
        'web 1 from shop/web/1',
        'web 1 from shop/web/2',
      ]);
      await run(['status', '--detailed-exitcode'], 0);
      await run(['plan', '--detailed-exitcode'], 0);
    });

    await t.test('a commit scales and changes: shown field by field, applied wave by wave', async () => {
      cluster.commit({
        [web]: (text) => text.replace('VERSION: "1"', 'VERSION: "2"').replace('replicas: 3', 'replicas: 4'),
      });
      const plan = await run(['plan', '--detailed-exitcode'], 2);
      assert.match(plan.stdout, /env\.VERSION\s+1 → 2/);
      assert.match(plan.stdout, /^Plan: 1 to create, 0 to update, 3 to replace/m);
      const { stderr } = await run(applyNow, 0);
      assert.match(stderr, /wave 2 of/);
      assert.deepEqual(
        await answers(cluster),
        [0, 1, 2, 3].map((ordinal) => `web 2 from shop/web/${ordinal}`),
      );
    });

    await t.test('a killed instance is drift until it is healed', async () => {
      const [victim] = cluster.programs().filter(({ instance }) => instance === 'shop/web/1');
      assert.ok(victim);
      endProcess(victim.pid);
      await until('it is gone', () => webs(cluster).length === 3);
      await until('status shows it', async () => /exited/.test((await cluster.muster(['status'])).stdout));
      await run(['status', '--detailed-exitcode'], 2);
      const plan = await run(['plan'], 0);
      assert.match(plan.stdout, /exited with code 137/);
      await run(applyNow, 0);
      assert.equal(webs(cluster).length, 4);
      await run(['status', '--detailed-exitcode'], 0);
    });

    await t.test(
      'a revision that never gets healthy is rolled back by itself; plan says so and does not try it again',
      async () => {
        cluster.commit({
          [web]: (text) =>
            text
              .replace('VERSION: "2"', 'VERSION: "3"')
              .replace('HEALTHY: "yes"', 'HEALTHY: "no"')
              .replace('healthyDeadline: 60s', 'healthyDeadline: 2s'),
        });
        const { stderr } = await run(applyNow, 6);
        assert.match(stderr.replaceAll(/\s+/g, ' '), /shop\/web failed and was rolled back: .*not healthy within 2 s/);
        assert.deepEqual(
          await answers(cluster),
          [0, 1, 2, 3].map((ordinal) => `web 2 from shop/web/${ordinal}`),
        );
        const plan = await run(['plan', '--detailed-exitcode'], 0);
        assert.match(
          plan.stdout,
          /shop\/web stays on [0-9a-f]{16}: revision [0-9a-f]{16} failed before [\s\S]*not healthy within 2 s[\s\S]*muster retry shop\/web/,
        );
        cluster.commit({
          [web]: (text) =>
            text
              .replace('VERSION: "3"', 'VERSION: "4"')
              .replace('HEALTHY: "no"', 'HEALTHY: "yes"')
              .replace('healthyDeadline: 2s', 'healthyDeadline: 60s'),
        });
        await run(applyNow, 0);
        assert.ok(webs(cluster).every((line) => line.endsWith('v4')));
      },
    );

    await t.test('more than fits is refused with the nearest miss, exit code 3', async () => {
      const before = webs(cluster);
      cluster.commit({
        [web]: (text) => text.replace('memory: 128MiB', 'memory: 2GiB'),
        'quotas/shop.yaml': (text) => text.replace('2560MiB', '64GiB'),
      });
      const plan = await run(['plan', '--detailed-exitcode'], 3);
      assert.match(plan.stdout.replaceAll(/\s+/g, ' '), /3 of 3 nodes lack memory; nearest: n\d needs \S+ [GM]iB more/);
      await run(applyNow, 3);
      assert.deepEqual(webs(cluster), before);
      cluster.commit({ [web]: (text) => text.replace('memory: 2GiB', 'memory: 128MiB') });
      await run(['plan', '--detailed-exitcode'], 0);
    });

    const saved = join(cluster.folder, 'plan.json');
    await t.test('a saved plan is applied as it is, or not at all', async () => {
      cluster.commit({ [web]: (text) => text.replace('replicas: 4', 'replicas: 3') });
      await run(['plan', '--out', saved], 0);
      assertMatches('plan', readFileSync(saved, 'utf8'));
      cluster.commit({ [web]: (text) => text.replace('replicas: 3', 'replicas: 2') });
      const stale = await run(['apply', saved], 5);
      assert.match(stale.stderr, /the saved plan is stale: shop\/web has changed/);
      assert.equal(webs(cluster).length, 4);
      cluster.commit({ [web]: (text) => text.replace('replicas: 2', 'replicas: 3') });
      await run(['apply', saved], 0);
      assert.equal(webs(cluster).length, 3);
      await run(['apply', saved], 5);
    });

    await t.test(
      'a snapshot stands for the world: the same plan without store and engines, and none after it',
      async () => {
        const [now, after] = [join(cluster.folder, 'now.json'), join(cluster.folder, 'after.json')];
        await run(['snapshot', '--out', now], 0);
        assertMatches('snapshot', readFileSync(now, 'utf8'));
        assert.match((await run(['plan', '--state', now, '--detailed-exitcode'], 0)).stdout, /^No changes\./m);
        cluster.commit({ [web]: (text) => text.replace('VERSION: "4"', 'VERSION: "5"') });
        const live = await run(['plan', '-o', 'json'], 0);
        const offline = await run(['plan', '--state', now, '-o', 'json', '--detailed-exitcode'], 2);
        const steps = (text: string): unknown => (JSON.parse(text) as { steps: unknown }).steps;
        assert.deepEqual(steps(offline.stdout), steps(live.stdout));
        await run(['plan', '--state', now, '--out', saved], 0);
        await run(['snapshot', '--state', now, '--after', saved, '--out', after], 0);
        assertMatches('snapshot', readFileSync(after, 'utf8'));
        assert.match((await run(['plan', '--state', after, '--detailed-exitcode'], 0)).stdout, /^No changes\./m);
        const preview = await run(['plan', '--state', now, '-o', 'markdown'], 0);
        assert.match(preview.stdout, /shop\/web/);
      },
    );

    await t.test('history tells of every run, newest first', async () => {
      const history = JSON.parse((await run(['history', '-o', 'json'], 0)).stdout) as
        | readonly { readonly units: readonly { readonly state: string }[] }[]
        | { readonly runs: readonly { readonly units: readonly { readonly state: string }[] }[] };
      const runs = 'runs' in history ? history.runs : history;
      assert.ok(runs.length >= 6, `${runs.length} runs`);
      assert.ok(runs.some(({ units }) => units.some(({ state }) => state === 'undone')));
    });

    await t.test('removing everything is refused until a Refactor says so', async () => {
      const running = cluster.programs().map(({ pid }) => pid);
      const gone = { [web]: () => '', 'workloads/api.yaml': () => '', 'workloads/heartbeat.yaml': () => '' };
      cluster.commit(gone);
      assert.match((await run(applyNow, 3)).stdout, /Refactor/);
      assert.deepEqual(
        cluster.programs().map(({ pid }) => pid),
        running,
      );
      cluster.commit({
        'closing.yaml': () =>
          'apiVersion: muster/v1\nkind: Refactor\nmetadata: {name: closing}\nspec: {removed: [{from: shop/web}, {from: shop/api}, {from: shop/heartbeat}]}\n',
      });
      await run(applyNow, 0);
      assert.deepEqual(cluster.programs(), []);
      await run(['plan', '--detailed-exitcode'], 0);
    });
  });

  test('what muster init writes can be applied as it is', async (t) => {
    const cluster = await makeCluster(t, { 'README.txt': 'x' }, { source: 'directory' });
    const made = join(cluster.folder, 'config', 'mine');
    assert.equal((await cluster.muster(['init', made])).code, 0);
    assert.equal((await cluster.muster(['validate', made])).code, 0);
    const applied = await cluster.muster([...applyNow.slice(0, 1), made, '--auto-approve']);
    assert.equal(applied.code, 0, applied.stderr);
    assert.equal(cluster.programs().length, 2);
    assert.equal((await cluster.muster(['plan', made, '--detailed-exitcode'])).code, 0);
  });

  test('removing one of many workloads needs no Refactor; it comes back when git has it again', async (t) => {
    const cluster = await makeCluster(t, {
      'cluster.yaml': clusterFile({ nodes: ['n1'], firstPort: 25_400 }),
      ...Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.yaml`, sleeper({ name, replicas: 1 })])),
    });
    assert.equal((await cluster.muster(applyNow)).code, 0);
    cluster.commit({ 'b.yaml': () => '' });
    const removal = await cluster.muster(applyNow);
    assert.equal(removal.code, 0, removal.stdout);
    assert.deepEqual(
      cluster.programs().map(({ instance }) => instance),
      ['default/a/0', 'default/c/0', 'default/d/0'],
    );
    cluster.commit({ 'b.yaml': () => sleeper({ name: 'b', replicas: 1 }) });
    assert.equal((await cluster.muster(applyNow)).code, 0);
    assert.equal(cluster.programs().length, 4);
  });

  test('muster demo plays to its end and leaves no process and no folder behind', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'muster-e2e-demo-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const temporary = join(folder, 'tmp');
    mkdirSync(temporary);
    const { code, stdout, stderr } = await muster(['demo'], { environment: { TMPDIR: temporary } });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /That was the main job/);
    assert.deepEqual(readdirSync(temporary), []);
    const left = readdirSync('/proc').filter(
      (pid) =>
        /^\d+$/.test(pid) &&
        existsSync(`/proc/${pid}/environ`) &&
        readQuietly(`/proc/${pid}/cmdline`).includes(temporary),
    );
    assert.deepEqual(left, []);
  });
});

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
