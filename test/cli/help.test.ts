import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertGolden } from '../golden.ts';
import { muster } from './muster.ts';

const commands = [
  'init',
  'validate',
  'plan',
  'show',
  'apply',
  'approve',
  'run',
  'status',
  'drift',
  'logs',
  'exec',
  'explain',
  'simulate',
  'rebalance',
  'history',
  'runs',
  'unit',
  'rollback',
  'freeze',
  'thaw',
  'node',
  'retry',
  'snapshot',
  'store',
  'doctor',
  'demo',
  'completion',
] as const;

const subcommands = [
  ...['list', 'show', 'pause', 'resume', 'cancel'].map((name) => ['runs', name] as const),
  ...['list', 'show', 'retry', 'skip', 'abandon'].map((name) => ['unit', name] as const),
  ...['cordon', 'uncordon'].map((name) => ['node', name] as const),
  ...['check', 'backup', 'restore', 'rebuild'].map((name) => ['store', name] as const),
];

describe('help', { concurrency: 2 }, () => {
  test('muster --help lists what there is and the exit codes', async () => {
    const { code, stdout, stderr } = await muster(['--help']);
    assert.equal(code, 0);
    assert.equal(stderr, '');
    for (const command of commands) assert.match(stdout, new RegExp(`^ {2}${command} `, 'm'));
    assertGolden('help/muster.txt', stdout);
  });

  for (const command of commands) {
    test(`muster ${command} --help is as in test/golden/help/${command}.txt`, async () => {
      const { code, stdout } = await muster([command, '--help']);
      assert.equal(code, 0);
      assertGolden(`help/${command}.txt`, stdout);
    });
  }

  for (const [group, command] of subcommands) {
    test(`muster ${group} ${command} --help is as in test/golden/help/${group}-${command}.txt`, async () => {
      const { code, stdout } = await muster([group, command, '--help']);
      assert.equal(code, 0);
      assertGolden(`help/${group}-${command}.txt`, stdout);
    });
  }

  test('--version prints the version alone', async () => {
    const { code, stdout } = await muster(['--version']);
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });
});
