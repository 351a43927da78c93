import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { CreateRequest } from '../../src/engines/engine.ts';
import { openProcessEngine } from '../../src/engines/process/process.ts';
import {
  allocationId,
  clusterUid,
  fencingToken,
  instanceId,
  nodeName,
  revisionHash,
  workloadId,
} from '../../src/model/ids.ts';
import type { Holds } from '../../src/model/recorded.ts';
import type { Revision, RevisionVolume } from '../../src/model/revision.ts';
import { engineContract, shellProgram, until } from '../contract/engine.ts';
import { processRevision } from './process-programs.ts';

engineContract('process', {
  clusterName: 'contract',
  harness: async () => {
    const root = mkdtempSync(join(tmpdir(), 'muster-process-'));
    return {
      firstPort: 19_200,
      open: async (cluster) =>
        openProcessEngine({ node: nodeName('n1'), root, siblingRoots: [], endpoint: { endpoint: 'local:' }, cluster }),
      revision: (program, overrides) => processRevision({ ...shellProgram(program), ...overrides }),
      foreign: async (name) => {
        const marker = join(root, name, 'somebody-elses');
        mkdirSync(join(root, name));
        writeFileSync(marker, 'precious');
        return { untouched: async () => existsSync(marker) && readFileSync(marker, 'utf8') === 'precious' };
      },
      cleanUp: async () => rmSync(root, { recursive: true, force: true }),
    };
  },
});

describe('what a process cannot have', () => {
  const root = mkdtempSync(join(tmpdir(), 'muster-process-'));
  after(() => rmSync(root, { recursive: true, force: true }));
  const engine = openProcessEngine({
    node: nodeName('n1'),
    root,
    siblingRoots: [],
    endpoint: { endpoint: 'local:' },
    cluster: { name: 'contract', uid: clusterUid('11111111-1111-4111-8111-111111111111') },
  });
  const requestOf = (revision: Partial<Revision>, holds: Partial<Holds> = {}): CreateRequest => ({
    allocation: allocationId(instanceId(workloadId('shop', 'web'), 0), 1),
    revisionHash: revisionHash('0123456789abcdef'),
    revision: {
      ...processRevision(shellProgram({ kind: 'environment', names: ['MUSTER_DEVICES_GPU_A100'] })),
      ...revision,
    },
    holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, ports: { http: 23_900 }, ...holds },
    token: fencingToken({ epoch: 1, createRevision: 7 }),
    effect: 's1:create',
  });
  const volume: RevisionVolume = {
    name: 'data',
    mount: '/mnt',
    sizeBytes: 0,
    source: { kind: 'host', path: '/tmp' },
    exclusive: false,
    readOnly: false,
    onRemove: 'keep',
    readIops: 0,
    writeIops: 0,
    readBps: 0,
    writeBps: 0,
  };

  const beyond: Readonly<Record<string, Partial<Revision>>> = {
    cores: { cpu: { bind: true, numa: 'none' } },
    volumes: { volumes: [volume] },
    'an address': { network: { name: 'prod', ip: 'pool' } },
  };
  for (const [what, revision] of Object.entries(beyond)) {
    it(`${what}: refused, not ignored`, async () => {
      await assert.rejects(engine.create(requestOf(revision), call), { code: 'unsupported', message: /cannot/ });
      assert.deepEqual((await engine.list(call)).objects, []);
    });
  }

  it('devices it may have: it is told which, and others need a new process', async () => {
    const request = requestOf({}, { devices: { 'gpu/a100': { '1': 500 } } });
    const { objectId } = await engine.create(request, call);
    await engine.start(objectId, call);
    const lines: string[] = [];
    await until(async () => {
      for await (const { text } of engine.logs(objectId, { tail: 10, follow: false }, call)) lines.push(text);
      return lines.includes('MUSTER_DEVICES_GPU_A100=1');
    });
    const holds = { ...request.holds, devices: { 'gpu/a100': { '2': 500 } } };
    const { revision, revisionHash: hash } = request;
    await assert.rejects(engine.update(objectId, { revisionHash: hash, revision, holds }, call), {
      code: 'unsupported',
      message: /devices/,
    });
    const resources = { ...revision.resources, cpuMillis: 250 };
    const changed = { ...revision, resources };
    await engine.update(objectId, { revisionHash: hash, revision: changed, holds: request.holds }, call);
    await engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
    await engine.remove(objectId, call);
  });
});

const call = { deadlineMs: 30_000 };
