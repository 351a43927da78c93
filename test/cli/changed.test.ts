import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { example, muster, scratch } from './muster.ts';
import { edit } from './processes.ts';

describe('plan of several directories', () => {
  test('--changed leaves out those that say the same at --base, whatever their files look like', async (t) => {
    const repo = await scratch(t);
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-C', repo, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
        encoding: 'utf8',
      });
    git('init', '-q', '-b', 'main');
    for (const name of ['one', 'two']) {
      cpSync(example('quickstart'), join(repo, name), { recursive: true, filter: (path) => !path.includes('.muster') });
      await edit(join(repo, name, 'cluster.yaml'), (text) => text.replace('name: quickstart', `name: ${name}`));
    }
    git('add', '-A');
    git('commit', '-qm', 'two clusters');
    const dirs = [join(repo, 'one'), join(repo, 'two')];

    const both = await muster(['plan', ...dirs, '--detailed-exitcode']);
    assert.equal(both.code, 2, both.stderr);
    assert.match(both.stdout, /cluster one[\s\S]*cluster two/);

    await edit(join(repo, 'one', 'workloads/web.yaml'), (text) => `# a comment changes nothing\n${text}`);
    const same = await muster(['plan', ...dirs, '--changed', '--base', 'main', '--detailed-exitcode']);
    assert.equal(same.code, 0, same.stderr);
    assert.equal(same.stdout, '');
    assert.match(same.stderr, /one: nothing changed since main[\s\S]*two: nothing changed since main/);

    await edit(join(repo, 'two', 'workloads/web.yaml'), (text) => text.replace('replicas: 3', 'replicas: 40'));
    const refused = await muster(['plan', ...dirs, '--changed', '--base', 'main', '--detailed-exitcode']);
    assert.equal(refused.code, 3, 'the worst of them counts');
    assert.match(refused.stdout, /cluster two/);
    assert.doesNotMatch(refused.stdout, /cluster one/);
  });

  test('what is one document cannot be several', async () => {
    const dirs = [example('quickstart'), example('datacenter')];
    const json = await muster(['plan', ...dirs, '-o', 'json']);
    assert.equal(json.code, 1);
    assert.match(json.stderr, /-o json is one document, and 2 directories were given/);
    const since = await muster(['plan', ...dirs, '--changed']);
    assert.match(since.stderr, /--changed needs --base/);
  });
});
