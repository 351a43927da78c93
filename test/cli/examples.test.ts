import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readPlan } from '../../src/reconcile/documents.ts';
import { assertGolden } from '../golden.ts';
import { copyExample, example, muster, readJson, scratch } from './muster.ts';

const datacenter = example('datacenter');
const empty = join(datacenter, 'empty.json');

describe('example clusters', { concurrency: 2 }, () => {
  for (const name of ['quickstart', 'datacenter']) {
    test(`${name} validates`, async () => {
      const { code, stdout, stderr } = await muster(['validate', example(name)]);
      assert.equal(stderr, '');
      assert.equal(code, 0);
      assert.match(stdout, /^Valid: cluster /);
    });
  }

  test('datacenter plans against an empty snapshot: summary as in test/golden/plan/datacenter.txt', async () => {
    const { code, stdout } = await muster(['plan', datacenter, '--state', empty]);
    assert.equal(code, 0);
    assertGolden('plan/datacenter.txt', stdout.slice(stdout.indexOf('\nQuota ') + 1));
  });

  test('a plan in JSON is valid against its schema and the same every time', async (t) => {
    const dir = await scratch(t);
    const outs = ['a.json', 'b.json'].map((name) => join(dir, name));
    for (const out of outs) assert.equal((await muster(['plan', datacenter, '--state', empty, '--out', out])).code, 0);
    const plans = await Promise.all(outs.map((out) => readPlan(out)));
    assert.equal(plans[0]?.id, plans[1]?.id);
    const { stdout } = await muster(['plan', datacenter, '--state', empty, '-o', 'json']);
    assert.deepEqual((JSON.parse(stdout) as { steps: unknown }).steps, plans[0]?.steps);
  });

  test('the world after a plan leaves nothing to do', async (t) => {
    const dir = await scratch(t);
    const planned = join(dir, 'plan.json');
    const after = join(dir, 'after.json');
    await muster(['plan', datacenter, '--state', empty, '--out', planned]);
    assert.equal(
      (await muster(['snapshot', datacenter, '--state', empty, '--after', planned, '--out', after])).code,
      0,
    );
    const again = await muster(['plan', datacenter, '--state', after, '--detailed-exitcode']);
    assert.match(again.stdout, /^No changes\./m);
    assert.equal(again.code, 0);
    assert.equal((await readJson(after))['cluster'], 'datacenter');
  });

  test('what does not fit is refused with reasons and the nearest miss, exit code 3', async (t) => {
    const copy = await copyExample('datacenter', await scratch(t));
    const file = join(copy, 'workloads/shop/search.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('memory: 16GiB', 'memory: 150GiB'));
    const { code, stdout } = await muster(['plan', copy, '--state', empty, '--detailed-exitcode']);
    assert.equal(code, 3);
    assert.match(stdout, /! shop\/search/);
    assert.match(stdout, /nearest: \S+ needs [\d.]+ GiB/);
    assert.match(stdout, /\d+ refused\.\n$/);
  });

  test('a show of a saved plan is what plan showed', async (t) => {
    const out = join(await scratch(t), 'plan.json');
    const planned = await muster(['plan', datacenter, '--state', empty, '--out', out, '-o', 'markdown']);
    const shown = await muster(['show', out, '-o', 'markdown']);
    const stable = (text: string): string => text.replace(/expires \S+/, '');
    assert.equal(stable(shown.stdout), stable(planned.stdout));
    assert.ok(Buffer.byteLength(shown.stdout) < 60_000);
  });
});

describe('muster init', { concurrency: 2 }, () => {
  test('writes a repo that validates and plans', async (t) => {
    const dir = join(await scratch(t), 'My Cluster');
    const made = await muster(['init', dir]);
    assert.equal(made.code, 0, made.stderr);
    const validated = await muster(['validate', dir]);
    assert.match(validated.stdout, /^Valid: cluster my-cluster, 1 node in 1 pod, 1 workload\.$/m);
    assert.equal(validated.stderr, '');
    const planned = await muster(['plan', dir, '--detailed-exitcode']);
    assert.match(planned.stdout, /^Plan: 2 to create/m);
    assert.equal(planned.code, 2);
    const workflow = await readFile(join(dir, '.github/workflows/muster.yml'), 'utf8');
    assert.match(workflow, /muster plan \. --state snapshot\.json -o markdown/);
  });

  test('overwrites nothing', async (t) => {
    const dir = await scratch(t);
    await writeFile(join(dir, 'README.md'), 'mine');
    const { code, stderr } = await muster(['init', dir]);
    assert.equal(code, 1);
    assert.match(stderr, /already has README\.md; nothing was written/);
    assert.equal(await readFile(join(dir, 'README.md'), 'utf8'), 'mine');
    await assert.rejects(readFile(join(dir, 'cluster.yaml')));
  });
});
