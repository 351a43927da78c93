import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { muster } from './muster.ts';
import { edit, quickstart } from './processes.ts';

test('a workload that left git is stopped when stopAfter has passed since it was missed, and made anew when it is back', async (t) => {
  const dir = await quickstart(t);
  const run = async (args: readonly string[], code: number): Promise<string> => {
    const finished = await muster([...args, dir]);
    assert.equal(finished.code, code, `muster ${args.join(' ')}\n${finished.stdout}${finished.stderr}`);
    return finished.stdout;
  };
  await edit(join(dir, 'cluster.yaml'), (text) => text.replace('stopAfter: 0s', 'stopAfter: 3s'));
  await run(['apply', '--auto-approve'], 0);

  const file = join(dir, 'workloads/heartbeat.yaml');
  const text = await readFile(file, 'utf8');
  await rm(file);
  const noticed = await run(['apply', '--auto-approve'], 0);
  assert.match(noticed, /shop\/heartbeat.*left git[\s\S]*MUS5002/);
  assert.match(noticed, /No changes/);

  await sleep(3_500);
  assert.match(await run(['apply', '--auto-approve'], 0), /3 to stop/);
  assert.match(await run(['status'], 0), /shop\/heartbeat.*running 0/);

  await writeFile(file, text);
  await run(['apply', '--auto-approve'], 0);
  assert.match(await run(['status'], 0), /shop\/heartbeat.*running 3/);
});
