import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DaemonInfo } from '../../src/engines/docker/daemon.ts';
import { openDockerEngine } from '../../src/engines/docker/engine.ts';
import { findingsOf } from '../../src/engines/docker/findings.ts';
import { clusterUid, nodeName } from '../../src/model/ids.ts';
import { dockerEndpoint, needsDocker } from '../bed/docker.ts';

const askedAt = Date.parse('2026-11-22T12:00:00Z');
const at = { askedAt, answeredAt: askedAt + 1_000 };
const healthy: DaemonInfo = {
  ID: 'x',
  NCPU: 2,
  MemTotal: 1,
  ServerVersion: '20.10',
  Runtimes: { runc: {}, crun: {} },
  MemoryLimit: true,
  SwapLimit: true,
  CgroupVersion: '2',
  Driver: 'overlay2',
  DriverStatus: [
    ['Backing Filesystem', 'xfs'],
    ['Supports d_type', 'true'],
  ],
  SystemTime: '2026-11-22T12:00:00.5Z',
};

const warnings = (change: Partial<DaemonInfo>): readonly string[] =>
  findingsOf({ ...healthy, ...change }, at).flatMap(({ state, detail }) => (state === 'warn' ? [detail] : []));

const needs = await needsDocker();

describe('what a daemon says of its machine', () => {
  it('is told in one line where all is well', () => {
    assert.deepEqual(findingsOf(healthy, at), [
      { state: 'ok', detail: 'cgroup v2, overlay2 on xfs, runtimes crun, runc' },
    ]);
  });

  it('is a warning where files come back, limits do not hold or copies are whole', () => {
    assert.match(warnings({ DriverStatus: [['Supports d_type', 'false']] })[0] ?? '', /^overlay2 .* without d_type/);
    assert.match(warnings({ Driver: 'vfs' })[0] ?? '', /^the storage driver vfs/);
    assert.deepEqual(warnings({ MemoryLimit: false, SwapLimit: false }), [
      'memory limits do not hold (docker info: MemoryLimit is off)',
      'swap is not limited: what has a memory limit swaps (docker info: SwapLimit is off)',
    ]);
    assert.equal(warnings({ CPUShares: false, CPUSet: false, CpuCfsQuota: false, PidsLimit: false }).length, 4);
    assert.match(warnings({ IPv4Forwarding: false })[0] ?? '', /^published ports do not answer/);
  });

  it('is a warning where its clock is elsewhere, the time on the way left out', () => {
    assert.deepEqual(warnings({ SystemTime: '2026-11-22T11:59:55Z' }), ["its clock is 5.0 s behind this machine's"]);
    assert.deepEqual(warnings({ SystemTime: '2026-11-22T12:00:11Z' }), ["its clock is 10.0 s ahead of this machine's"]);
    assert.deepEqual(warnings({ SystemTime: '2026-11-22T12:00:02.9Z' }), []);
  });

  it('is read from a real one, which has no fault', needs, async () => {
    const scope = { name: 'findings', uid: clusterUid('docker-findings') };
    const engine = openDockerEngine({ node: nodeName('n1'), scope, endpoint: { endpoint: dockerEndpoint } });
    try {
      const [told, ...faults] = (await engine.findings?.({ deadlineMs: 10_000 })) ?? [];
      assert.match(told?.detail ?? '', /^cgroup v[12], \w+ on \w+, runtimes .*\brunc\b/);
      assert.deepEqual(faults, []);
    } finally {
      await engine.close();
    }
  });
});
