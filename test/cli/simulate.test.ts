import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { example, muster } from './muster.ts';

const datacenter = example('datacenter');
const empty = join(datacenter, 'empty.json');

const simulate = (...args: readonly string[]) => muster(['simulate', datacenter, '--state', empty, ...args]);

describe('muster simulate', { concurrency: 2 }, () => {
  test('a lost node is looked at on the cluster as the plan leaves it', async () => {
    const { code, stdout } = await simulate('--lose', 'web-a-10');
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^Cluster datacenter loses node web-a-10 \(\d+ instances?\)\n {2}on the cluster as its plan leaves it \(\d+ to create/,
    );
    assert.match(stdout, /\nSurvives: /);
  });

  test('zones and nodes may be named together, and twice is once', async () => {
    const { stdout } = await simulate('--lose-zone', 'b', '--lose', 'web-a-01,web-a-01', '-o', 'json');
    const { lost, kind } = JSON.parse(stdout) as { readonly lost: readonly string[]; readonly kind: string };
    assert.equal(kind, 'loss');
    assert.ok(lost.includes('web-a-01') && lost.some((name) => name.startsWith('web-b-')));
    assert.equal(new Set(lost).size, lost.length);
  });

  test('what finds no room makes it exit with 3', async () => {
    const { code, stdout } = await simulate('--lose-zone', 'a,b');
    assert.equal(code, 3);
    assert.match(stdout, /! no room {4}/);
    assert.match(stdout, /\nDoes not survive: /);
  });

  test('any node of every pod: the head-room, in every format', async () => {
    const { code, stdout } = await simulate('--any', '1', '-o', 'json');
    const { pods } = JSON.parse(stdout) as {
      readonly pods: readonly { readonly pod: string; readonly verdict: string; readonly complete: boolean }[];
    };
    assert.deepEqual(
      pods.map(({ pod }) => pod),
      ['batch', 'db', 'web'],
    );
    assert.ok(pods.every(({ complete }) => complete));
    assert.equal(code, pods.some(({ verdict }) => verdict === 'fails') ? 3 : 0);
    const text = await simulate('--any', '1', '--pod', 'web');
    assert.match(text.stdout, /^Head-room of cluster datacenter: any 1 node of a pod\n/);
    assert.doesNotMatch(text.stdout, /batch {2}/);
    const markdown = await simulate('--any', '1', '-o', 'markdown');
    assert.match(markdown.stdout, /^### . Head-room of cluster `datacenter`/u);
  });

  const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
    [[], /what is to be lost\?\n.*--lose NODE,…, --lose-zone ZONE, or --any 1/],
    [['--lose', 'web-a-1'], /there is no node web-a-1\n {2}Did you mean web-a-01\?/],
    [['--lose-zone', 'c'], /there is no zone c\n {2}(Did you mean|There are: a, b)/],
    [['--any', '1', '--pod', 'wbe'], /there is no pod wbe\n {2}Did you mean web\?/],
    [['--any', '1', '--lose', 'web-a-01'], /--any asks about every node/],
    [['--pod', 'web', '--lose', 'web-a-01'], /--pod needs --any/],
    [['--any', '0'], /It is a whole number from 1/],
    [['--lose', 'web-a-01,'], /It is a name, or several with commas/],
    [['--any', '1', '--store', 'embedded:x'], /both --state and --store/],
  ];
  for (const [args, says] of mistakes) {
    test(`simulate ${args.join(' ')} says what was probably meant`, async () => {
      const { code, stderr, stdout } = await simulate(...args);
      assert.match(stderr, says);
      assert.equal(code, 1);
      assert.equal(stdout, '');
    });
  }
});
