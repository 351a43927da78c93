import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { example, type MusterOptions, muster, scratch, startMuster } from './muster.ts';

const quickstart = example('quickstart');

/** What goes wrong on the command line, what is said about it, and the exit code. */
const mistakes: readonly (readonly [args: readonly string[], says: RegExp, code?: number])[] = [
  [['pln'], /unknown command 'pln'\n\(Did you mean plan\?\)/],
  [['plan', '--stor', 'x'], /unknown option '--stor'\n\(Did you mean --store\?\)/],
  [['plan', '-o', 'plan.json'], /Did you mean --out plan\.json\?/],
  [['plan', '-o', 'md'], /Did you mean markdown\?/],
  [['show', 'plan.json', '-o', 'plan.json'], /It is one of text, json/],
  [['plan', '/no/such/directory'], /no such directory: \/no\/such\/directory\n {2}muster init/],
  [['plan', join(quickstart, 'cluster.yaml')], /is a file, not the directory of a config repo/],
  [['plan', quickstart, '--store', '.muster'], /did you mean embedded:\.muster\?/],
  [['plan', quickstart, '--state', 'x.json', '--store', 'embedded:x'], /both --state and --store/],
  [['plan', quickstart, '--state', '/no/such.json'], /\/no\/such\.json: cannot be read/],
  [['plan', '.', '--ref', 'main'], /--ref needs --repo/],
  [['plan', quickstart, '--repo', 'x'], /both a directory .* and --repo/],
  [['plan', quickstart, '--base', 'main'], /--base needs --state/],
  [['snapshot', quickstart, '--state', 'x.json'], /--state needs --after/],
  [['show', '/no/such.json'], /cannot be read/],
  [['apply', quickstart], /nobody can be asked: this is not a terminal\n.*--auto-approve/],
  [['apply', quickstart, '--lock-timeout', 'soon'], /It is a duration such as 0s, 30s, 5m or 2d/],
  [['history', quickstart, '--limit', '0'], /It is a whole number from 1/],
  [['run', quickstart, '--listen', 'everywhere'], /--listen everywhere is not HOST:PORT/],
  [
    ['status', quickstart, '--from', 'etcd'],
    /--from <source>' argument 'etcd' is invalid\. Allowed choices are engines\./,
  ],
  [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
];

describe('mistakes on the command line', { concurrency: 2 }, () => {
  for (const [args, says, code = 1] of mistakes) {
    test(`muster ${args.join(' ').replaceAll(quickstart, 'quickstart')} says what was probably meant`, async () => {
      const result = await muster(args);
      assert.match(result.stderr, says);
      assert.equal(result.code, code);
      assert.equal(result.stdout, '', 'messages never go to stdout');
      assert.doesNotMatch(result.stderr, /\n {4}at /, 'no stack');
    });
  }

  test('a file that is not a plan is refused with what to do', async (t) => {
    const dir = await scratch(t);
    await writeFile(join(dir, 'p.json'), '{"formatVersion": "2.0"}');
    const { code, stderr } = await muster(['show', join(dir, 'p.json')]);
    assert.equal(code, 1);
    assert.match(stderr, /has format version 2\.0; this Muster reads 1\.x/);
  });

  test('MUSTER_DEBUG=1 shows where an error comes from', async () => {
    const { stderr } = await muster(['plan', '/no/such/directory'], { environment: { MUSTER_DEBUG: '1' } });
    assert.match(stderr, /\n {4}at /);
  });
});

describe('flags as environment variables', { concurrency: 2 }, () => {
  const state = join(example('datacenter'), 'empty.json');
  const plan = (environment: MusterOptions['environment'] = {}) =>
    muster(['plan', example('datacenter')], { environment: { MUSTER_STATE: state, ...environment } });

  test('a flag can be given as MUSTER_*', async () => {
    const { code, stdout } = await plan({ MUSTER_OUTPUT: 'github', MUSTER_DETAILED_EXITCODE: '1' });
    assert.equal(code, 2);
    assert.match(stdout, /::notice title=muster plan::Plan: /);
  });

  test('a switch set to false is off', async () => {
    const { code } = await plan({ MUSTER_DETAILED_EXITCODE: 'false' });
    assert.equal(code, 0);
  });

  test('NO_COLOR, --no-color and a pipe give plain text; FORCE_COLOR colours', async () => {
    const plain = await plan();
    assert.ok(!plain.stdout.includes('\u001b['));
    const forced = await plan({ FORCE_COLOR: '1' });
    assert.ok(forced.stdout.includes('\u001b['));
    const refused = await plan({ FORCE_COLOR: '1', NO_COLOR: '1' });
    assert.ok(!refused.stdout.includes('\u001b['));
    const flagged = await muster(['plan', example('datacenter'), '--no-color'], {
      environment: { MUSTER_STATE: state, FORCE_COLOR: '1' },
    });
    assert.ok(!flagged.stdout.includes('\u001b['));
  });

  test('a reader that goes away early is no error', async () => {
    const child = startMuster(['plan', example('datacenter'), '-o', 'json'], { environment: { MUSTER_STATE: state } });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin?.end();
    child.stdout?.destroy();
    const code = await new Promise((done) => child.once('close', done));
    assert.equal(stderr, '');
    assert.equal(code, 0);
  });
});
