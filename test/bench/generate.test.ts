import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { generateRepo, writeRepo } from '../../bench/generate.ts';
import { freshInputs, loadRepo, settledInputs } from '../../bench/world.ts';
import type { Desired } from '../../src/model/desired.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { readSnapshot } from '../../src/reconcile/documents.ts';

const size = { nodes: 40, instances: 200, workloads: 20, seed: 7 };

describe('the benchmark generator', () => {
  let folder = '';
  let desired: Desired;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-generate-'));
    await writeRepo(join(folder, 'repo'), generateRepo(size));
    desired = await loadRepo(join(folder, 'repo'), join(folder, 'cache'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  it('writes the same bytes for the same seed, and others for another', () => {
    const text = (seed: number): string => JSON.stringify([...generateRepo({ ...size, seed })]);
    assert.equal(text(7), text(7));
    assert.notEqual(text(7), text(8));
  });

  it('writes a repo of the size asked for, without a mistake in it', () => {
    assert.equal(desired.nodes.length, size.nodes);
    assert.equal(desired.workloads.length, size.workloads);
    assert.equal(
      desired.workloads.reduce((sum, { replicas }) => sum + replicas, 0),
      size.instances,
    );
  });

  it('makes a fresh world in which everything fits, and a settled one in which nothing is left to do', () => {
    const fresh = freshInputs(desired);
    const plan = createPlan(fresh);
    assert.equal(plan.summary.create, size.instances);
    assert.deepEqual(plan.refusals, []);
    assert.deepEqual(verifyPlan(fresh, plan), []);
    assert.deepEqual(createPlan(settledInputs(desired)).steps, []);
  });

  it('writes repo, commit and snapshot from the command line', async () => {
    const root = join(import.meta.dirname, '..', '..');
    const [repo, file] = [join(folder, 'made'), join(folder, 'made.json')];
    const sizes = ['--nodes', '40', '--instances', '200', '--workloads', '20', '--seed', '7'];
    const args = ['--import', 'tsx', 'bench/generate.ts', ...sizes, '--out', repo, '--snapshot', file, '--git'];
    assert.match(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }), /^\d+ files in /);
    assert.match(execFileSync('git', ['log', '--oneline'], { cwd: repo, encoding: 'utf8' }), /generated/);
    const { recorded, observed } = await readSnapshot(file, { desired });
    assert.equal(recorded.allocations.length, size.instances);
    assert.deepEqual(createPlan({ ...freshInputs(desired), recorded, observed }).steps, []);
  });
});
