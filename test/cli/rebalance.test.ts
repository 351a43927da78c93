import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readPlan } from '../../src/reconcile/documents.ts';
import { example, muster, scratch } from './muster.ts';
import { edit, quickstart } from './processes.ts';

const datacenter = example('datacenter');
const empty = join(datacenter, 'empty.json');

interface Answer {
  readonly plan: {
    readonly steps: readonly { readonly kind: string; readonly from?: string; readonly node: string }[];
  };
  readonly better: readonly { readonly kind: string; readonly nodes?: readonly string[] }[];
}

describe('muster rebalance', { concurrency: 2 }, () => {
  test('moves what was driven off a node back, as a saved plan and at once', async (t) => {
    const cluster = await quickstart(t);
    const nodes = join(cluster, 'nodes/local.yaml');
    const applied = async (): Promise<void> => {
      const { code, stderr } = await muster(['apply', cluster, '--auto-approve']);
      assert.equal(code, 0, stderr);
    };
    await applied();
    await edit(nodes, (text) => text.replace('pod: local', 'pod: local\n  lifecycle: maintenance'));
    await applied();
    await edit(nodes, (text) => text.replace('pod: local\n  lifecycle: maintenance', 'pod: local'));
    await applied();
    const settled = await muster(['plan', cluster, '--detailed-exitcode']);
    assert.equal(settled.code, 0, settled.stdout);

    const saved = join(cluster, 'moves.json');
    const planned = await muster(['rebalance', cluster, '--out', saved]);
    assert.equal(planned.code, 0, planned.stderr);
    assert.match(
      planned.stdout,
      /^Better\n {2}shop\/\w+ +\d \/ 0 → 1 \/ 1 +instances in the fullest and the emptiest node$/m,
    );
    const { steps } = await readPlan(saved);
    assert.ok(
      steps.length > 0 &&
        steps.every(({ kind, cause, node }) => kind === 'move' && cause === 'rebalance' && node === 'n1'),
    );
    const carried = await muster(['apply', saved, cluster]);
    assert.equal(carried.code, 0, carried.stderr);
    assert.equal((await muster(['plan', cluster, '--detailed-exitcode'])).code, 0);
    const again = await muster(['apply', saved, cluster]);
    assert.equal(again.code, 5);

    const emptied = await muster(['rebalance', cluster, '--empty', 'n2', '--apply', '--auto-approve']);
    assert.equal(emptied.code, 0, emptied.stderr);
    assert.match(emptied.stdout, /^ {2}1 node +n2 +holds nothing any more, daemons apart$/m);
    const status = await muster(['status', cluster, '-o', 'json']);
    const { workloads } = JSON.parse(status.stdout) as {
      readonly workloads: readonly { readonly id: string; readonly instances: readonly { readonly node: string }[] }[];
    };
    for (const { id, instances } of workloads) {
      assert.equal(
        instances.some(({ node }) => node === 'n2'),
        id === 'shop/heartbeat',
        id,
      );
    }
  });

  test('waits until the cluster is as git declares it', async () => {
    const { code, stderr, stdout } = await muster(['rebalance', datacenter, '--state', empty]);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /the cluster is not as git declares it: \d+ steps come first\n {2}See `muster plan`/);
  });

  test('works on a snapshot, in every format, within --max-moves', async (t) => {
    const dir = await scratch(t);
    const [plan, after] = [join(dir, 'plan.json'), join(dir, 'after.json')];
    await muster(['plan', datacenter, '--state', empty, '--out', plan]);
    await muster(['snapshot', datacenter, '--state', empty, '--after', plan, '--out', after]);
    const rebalance = (...args: readonly string[]) => muster(['rebalance', datacenter, '--state', after, ...args]);
    const { code, stdout } = await rebalance('--empty', 'web-a-10', '--max-moves', '50', '-o', 'json');
    assert.equal(code, 0);
    const answer = JSON.parse(stdout) as Answer;
    assert.ok(answer.plan.steps.length > 0 && answer.plan.steps.every(({ from }) => from === 'web-a-10'));
    assert.deepEqual(answer.better.find(({ kind }) => kind === 'empty')?.nodes, ['web-a-10']);
    const text = await rebalance('--empty', 'web-a-10', '--max-moves', '1');
    assert.match(
      text.stdout,
      /\n1 move, within each budget; nothing else changes\. There is more to gain: raise --max-moves/,
    );
    const markdown = await rebalance('--empty', 'web-a-10', '--max-moves', '50', '-o', 'markdown');
    assert.match(markdown.stdout, /^### /);
    assert.match(markdown.stdout, /\| 1 node \| web-a-10 \| holds nothing any more/);
  });

  const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [['--empty', 'web-a-1'], /there is no node web-a-1\n {2}Did you mean web-a-01\?/],
    [['--empty', 'web-a-01', '--fewest-nodes'], /both --empty and --fewest-nodes/],
    [['--apply'], /--apply works on the cluster as it is, not with --state/],
    [['--max-moves', '0'], /It is a whole number from 1/],
    [['-o', 'moves.json'], /Did you mean --out moves\.json\?/],
  ];
  for (const [args, says] of mistakes) {
    test(`rebalance ${args.join(' ')} says what was probably meant`, async () => {
      const { code, stderr } = await muster(['rebalance', datacenter, '--state', empty, ...args]);
      assert.match(stderr, says);
      assert.equal(code, 1);
    });
  }
});
