import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { example, muster } from './muster.ts';

const datacenter = example('datacenter');
const empty = join(datacenter, 'empty.json');

const explain = (subject: string, ...args: readonly string[]) =>
  muster(['explain', subject, datacenter, '--state', empty, ...args]);

describe('muster explain', { concurrency: 2 }, () => {
  test('an instance that is to be made: where to, and why not elsewhere', async () => {
    const { code, stdout } = await explain('platform/ingress/1');
    assert.equal(code, 0);
    assert.match(stdout, /^platform\/ingress\/1 {2}stateless, is not there\n/);
    assert.match(stdout, /\n {2}next +create on web-[ab]-01 \(new\)\n/);
    assert.match(stdout, /lack label edge=true/);
  });

  test('a workload and a node', async () => {
    const workload = await explain('shop/web');
    assert.match(workload.stdout, /^shop\/web {2}stateless, priority 1000, workloads\/shop\/web\.yaml:\d+\n/);
    assert.match(workload.stdout, /\n {2}plan +24 to create in 1 wave/);
    const node = await explain('web-a-01');
    assert.match(node.stdout, /^web-a-01 {2}pod web, zone a, online, alive\n/);
    assert.match(node.stdout, /\n {2}capacity +cpu +0 of /);
  });

  test('JSON has the same with its version and kind', async () => {
    const { stdout } = await explain('web-a-01', '-o', 'json');
    const { kind, formatVersion } = JSON.parse(stdout) as { readonly kind: string; readonly formatVersion: string };
    assert.deepEqual([kind, formatVersion], ['node', '1.0']);
  });

  const mistakes: readonly (readonly [subject: string, says: RegExp])[] = [
    ['shop/webb', /there is no workload shop\/webb\n {2}Did you mean shop\/web\?/],
    ['ingress', /there is no node ingress\n {2}Did you mean the workload platform\/ingress\?/],
    ['web-a-1', /there is no node web-a-1\n {2}Did you mean web-a-01\?/],
    ['shop/web/99', /there is no instance shop\/web\/99\n {2}Git does not want it, and it is not recorded/],
    ['shop/web/x', /is neither an instance, a workload nor a node\n {2}For example/],
  ];
  for (const [subject, says] of mistakes) {
    test(`explain ${subject} says what was probably meant`, async () => {
      const { code, stderr, stdout } = await explain(subject);
      assert.match(stderr, says);
      assert.equal(code, 1);
      assert.equal(stdout, '');
    });
  }
});
