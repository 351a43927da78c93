import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { muster } from './muster.ts';

describe('completion', { concurrency: 2 }, () => {
  test('the bash script completes commands, flags of a command and values of a flag', async () => {
    const { code, stdout } = await muster(['completion', 'bash']);
    assert.equal(code, 0);
    const complete = (words: readonly string[]): readonly string[] => {
      const line = words.map((word) => `'${word}'`).join(' ');
      const script = `${stdout}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _muster; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const result = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
      assert.equal(result.status, 0, result.stderr);
      return result.stdout.trim().split('\n');
    };
    assert.deepEqual(complete(['muster', 'pl']), ['plan']);
    assert.deepEqual(complete(['muster', 'plan', '--det']), ['--detailed-exitcode']);
    assert.deepEqual(complete(['muster', 'plan', '-o', 'm']), ['markdown']);
    assert.deepEqual(complete(['muster', 'status', '--from', '']), ['engines']);
    assert.deepEqual(complete(['muster', 'unit', 's']), ['show', 'skip']);
    assert.deepEqual(complete(['muster', 'runs', 'cancel', '--rea']), ['--reason']);
    assert.deepEqual(complete(['muster', 'completion', '']), ['bash', 'zsh', 'fish']);
  });

  for (const shell of ['zsh', 'fish'] as const) {
    test(`the ${shell} script names every command and its flags`, async (t) => {
      const { code, stdout } = await muster(['completion', shell]);
      assert.equal(code, 0);
      const { stdout: help } = await muster(['--help']);
      const commands = [...help.matchAll(/^ {2}([a-z]+) .*\S {2,}\S|^ {2}([a-z]+) \[/gm)].map(
        (match) => match[1] ?? match[2],
      );
      assert.ok(commands.length > 8, help);
      for (const command of commands.filter((name) => name !== 'help'))
        assert.ok(stdout.includes(`${command}`), command);
      assert.match(stdout, /detailed-exitcode/);
      const check = spawnSync(shell, ['-n', '/dev/stdin'], { input: stdout, encoding: 'utf8' });
      if (check.error !== undefined) return t.diagnostic(`${shell} is not installed: its syntax was not checked`);
      assert.equal(check.status, 0, check.stderr);
    });
  }
});
