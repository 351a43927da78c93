import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { muster } from './muster.ts';
import { edit, quickstart } from './processes.ts';

test('a revision that failed its gate is not tried again until muster retry says so', async (t) => {
  const dir = await quickstart(t);
  const run = async (args: readonly string[], code: number): Promise<string> => {
    const finished = await muster(args);
    assert.equal(finished.code, code, `muster ${args.join(' ')}\n${finished.stdout}${finished.stderr}`);
    return `${finished.stdout}${finished.stderr}`;
  };
  const change = (from: string, to: string): Promise<void> =>
    edit(join(dir, 'workloads/web.yaml'), (text) => text.replace(from, to));

  const unknown = await run(['retry', 'shop/web', dir], 1);
  assert.match(unknown, /nothing is recorded of shop\/web/);

  await run(['apply', dir, '--auto-approve'], 0);
  assert.match(await run(['retry', 'shop/web', dir], 0), /nothing was changed/);

  await change('healthyDeadline: 60s', 'healthyDeadline: 1s');
  await change('HEALTHY: "yes"', 'HEALTHY: "no"');
  await run(['apply', dir, '--auto-approve'], 6);
  assert.match(await run(['plan', dir, '--detailed-exitcode'], 0), /stays on an earlier revision/);

  assert.match(await run(['retry', 'shop/web', dir], 0), /^Forgotten: /m);
  assert.match(await run(['plan', dir, '--detailed-exitcode'], 2), /3 to replace/);
});
