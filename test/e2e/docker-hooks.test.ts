import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsDocker } from '../bed/docker.ts';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { instancesOf, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };

test(
  'hooks run inside the containers that are started and stopped; one that fails after a start undoes the rollout',
  needs,
  async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    const notes = mkdtempSync(join(tmpdir(), 'muster-hooks-'));
    t.after(() => rmSync(notes, { recursive: true, force: true }));
    const note = (file: string, end: string): string =>
      JSON.stringify(['/bin/sh', '-c', `echo "$VERSION of $MUSTER_ORDINAL on $(hostname)" >> /notes/${file}; ${end}`]);
    const web = (version: string, end = 'true'): string =>
      server({
        name: 'web',
        replicas: 1,
        version,
        extra: [
          `hooks: {afterStart: {command: ${note('started', end)}}, beforeStop: {command: ${note('stopped', 'exit 7')}}}`,
          `volumes: [{name: notes, mount: /notes, source: "host:${notes}"}]`,
        ],
      });
    const noted = (file: string): string => {
      const path = join(notes, file);
      return existsSync(path) ? readFileSync(path, 'utf8') : '';
    };
    const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': web('1') } });

    const first = await cluster.apply();
    assert.equal(first.code, 0, first.stderr);
    assert.deepEqual([noted('started'), noted('stopped')], ['1 of 0 on web-0\n', '']);

    cluster.commit({ 'web.yaml': () => web('2') });
    const second = await cluster.apply();
    assert.equal(second.code, 0, second.stderr);
    assert.match(second.stderr, /hook beforeStop failed, and it is stopped all the same: .*exited 7/);
    assert.deepEqual([noted('started'), noted('stopped')], ['1 of 0 on web-0\n2 of 0 on web-0\n', '1 of 0 on web-0\n']);

    cluster.commit({ 'web.yaml': () => web('3', 'echo not today >&2; exit 5') });
    const third = await cluster.apply();
    assert.equal(third.code, 6, third.stderr);
    assert.match(`${third.stdout}${third.stderr}`, /hook afterStart: .*exited 5: not today/);
    const containers = await cluster.containers();
    assert.deepEqual(
      containers.map(({ instance, state }) => [instance, state]),
      instancesOf('default/web', 1).map((instance) => [instance, 'running']),
    );
  },
);
