import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { kill } from 'node:process';
import { test } from 'node:test';
import type { DriftView } from '../../src/render/drift.ts';
import { muster, startMuster } from './muster.ts';
import { processesOf, quickstart } from './processes.ts';

test('logs, exec and drift look at instances, the first two also while the store is away', async (t) => {
  const dir = await quickstart(t);
  const run = async (args: readonly string[], code: number): Promise<{ stdout: string; stderr: string }> => {
    const finished = await muster(args);
    assert.equal(finished.code, code, `muster ${args.join(' ')}\n${finished.stdout}${finished.stderr}`);
    return finished;
  };
  const exec = (args: readonly string[], code: number) => run(['exec', '-C', dir, ...args], code);
  assert.match(
    (await run(['logs', 'shop/heartbeat', dir], 1)).stderr,
    /there is no workload with instances shop\/heart/,
  );
  await run(['apply', dir, '--auto-approve'], 0);

  await t.test('lines of one instance are as it wrote them; those of several say whose they are', async () => {
    // It says something once a second.
    const follower = startMuster(['logs', '--follow', '--tail', '1', 'shop/heartbeat/0', dir]);
    let followed = '';
    while (followed.split('\n').length < 3) followed += String((await once(follower.stdout as never, 'data'))[0]);
    follower.kill('SIGINT');
    await once(follower, 'close');
    assert.match(followed, /^(\S+Z n\d is alive\n){2,}/);
    const { stdout } = await run(['logs', 'shop/heartbeat', dir, '--tail', '1'], 0);
    const lines = stdout.trimEnd().split('\n').sort();
    assert.deepEqual(
      lines.map((line) => /^(shop\/heartbeat\/\d) \| \S+Z n\d is alive$/.exec(line)?.[1]),
      ['shop/heartbeat/0', 'shop/heartbeat/1', 'shop/heartbeat/2'],
    );
  });

  await t.test('a command has the environment of the instance, no shell, and gives its exit code', async () => {
    assert.equal(
      (await exec(['shop/web/1', '--', 'printenv', 'MUSTER_WORKLOAD', 'MUSTER_ORDINAL'], 0)).stdout,
      'shop/web\n1\n',
    );
    assert.equal((await exec(['shop/web/1', '--', 'printf', '%s', '$HOME; *'], 0)).stdout, '$HOME; *');
    assert.equal((await exec(['shop/web/1', '--', 'sh', '-c', 'echo bad >&2; exit 42'], 42)).stdout, 'bad\n');
  });

  await t.test('what cannot be done says what can', async () => {
    assert.match(
      (await exec(['shop/web', '--', 'true'], 1)).stderr,
      /shop\/web has 3 instances.*\n.*for example shop\/web\/0/,
    );
    assert.match((await exec(['shop/wep/0', '--', 'true'], 1)).stderr, /Did you mean shop\/web\?/);
    assert.match((await exec(['shop/web/9', '--', 'true'], 1)).stderr, /nothing was made for shop\/web\/9 yet/);
    assert.match((await exec(['web', '--', 'true'], 1)).stderr, /neither an instance nor a workload/);
    assert.match((await exec(['shop/web/0', '--', 'no-such-program'], 1)).stderr, /"no-such-program": ENOENT/);
    const slow = await exec(['--timeout', '300ms', 'shop/web/0', '--', 'sleep', '20'], 1);
    assert.match(slow.stderr, /did not end within 300ms.*\n.*--timeout/);
  });

  await t.test('with the store away the engines say who runs where', async () => {
    await rename(join(dir, '.muster/store'), join(dir, '.muster/gone'));
    assert.match((await exec(['shop/web/1', '--', 'true'], 1)).stderr, /^error/);
    const there = await exec(['--from', 'engines', 'shop/web/1', '--', 'printenv', 'MUSTER_ORDINAL'], 0);
    assert.equal(there.stdout, '1\n');
    assert.match(
      (await run(['logs', '--from', 'engines', '--tail', '1', 'shop/heartbeat/2', dir], 0)).stdout,
      /is alive\n$/,
    );
    await rename(join(dir, '.muster/gone'), join(dir, '.muster/store'));
  });

  await t.test('drift tells what is not as recorded, and that it is healed', async () => {
    assert.match(
      (await run(['drift', dir, '--detailed-exitcode'], 0)).stdout,
      /nothing drifted, 8 instances as recorded/,
    );
    const [, killed] = [...(await processesOf(dir))].find(([name]) => name.endsWith('.shop.web.2.g3')) ?? [];
    for (const process of [killed?.supervisor, killed?.child])
      kill(process?.pid ?? assert.fail('it has no process'), 'SIGKILL');
    const { stdout } = await run(['drift', dir, '--detailed-exitcode'], 2);
    assert.match(stdout, /^exited \(1\) there, and does not run; will be healed\n {2}shop\/web\/2#3 {2}n\d {2}exited/m);
    const view = JSON.parse((await run(['drift', dir, '-o', 'json'], 0)).stdout) as DriftView;
    assert.deepEqual(
      view.drift.map(({ kind, allocation, healed }) => [kind, allocation, healed]),
      [['exited', 'shop/web/2#3', true]],
    );
  });
});
