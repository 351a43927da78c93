import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import type { EngineDirectory } from '../../src/engines/engine.ts';
import { openEngines } from '../../src/engines/registry.ts';
import type { DesiredNode, EngineEndpoint } from '../../src/model/desired.ts';
import { clusterUid, type EngineKind, nodeName, podName } from '../../src/model/ids.ts';

const call = { deadlineMs: 10_000 };

it('opens an engine once, and keeps each process node in a folder of its own', async (t) => {
  const { engines, stateDir } = begin(t);
  const first = await engines.engineOf(nodeName('a'), 'process');
  assert.equal(await engines.engineOf(nodeName('a'), 'process'), first);
  const other = await engines.engineOf(nodeName('b'), 'process');
  assert.notEqual((await first.info(call)).fingerprint, (await other.info(call)).fingerprint);
  assert.ok(existsSync(join(stateDir, 'process', 'a')) && existsSync(join(stateDir, 'elsewhere')));
});

it('refuses a node that is not declared, an engine that it lacks, and one that comes later', async (t) => {
  const { engines } = begin(t);
  const refuses = (node: string, kind: EngineKind, code: string, message: RegExp): Promise<void> =>
    assert.rejects(engines.engineOf(nodeName(node), kind), { name: 'EngineError', code, message });
  await refuses('nowhere', 'process', 'unreachable', /node nowhere is not declared/);
  await refuses('a', 'docker', 'unreachable', /node a declares no docker engine/);
  await refuses('c', 'libvirt', 'unsupported', /libvirt engine is not supported yet/);
  await refuses('c', 'docker', 'rejected', /no credential "farm"/);
  await refuses('c', 'systemd', 'rejected', /no credential "far" to log in with/);
  await refuses('d', 'docker', 'unsupported', /ssh:\/\/far has no hostKey/);
});

function begin(t: TestContext): { readonly engines: EngineDirectory; readonly stateDir: string } {
  const stateDir = mkdtempSync(join(tmpdir(), 'muster-registry-'));
  const engines = openEngines({
    nodes: [
      node('a', { process: { endpoint: 'local:' } }),
      node('b', { process: { endpoint: 'local:', root: 'elsewhere' } }),
      node('d', { docker: { endpoint: 'ssh://far' } }),
      node('c', {
        systemd: { endpoint: 'ssh://far', hostKey: 'SHA256:x', credential: 'far' },
        libvirt: { endpoint: 'qemu:///system' },
        docker: { endpoint: 'tcp://127.0.0.1:2376', tls: { credential: 'farm' } },
      }),
    ],
    cluster: { name: 'prod', uid: clusterUid('11111111-1111-4111-8111-111111111111') },
    stateDir,
  });
  t.after(async () => {
    await engines.close();
    rmSync(stateDir, { recursive: true, force: true });
  });
  return { engines, stateDir };
}

const node = (name: string, engines: Partial<Record<EngineKind, EngineEndpoint>>): DesiredNode => ({
  name: nodeName(name),
  pod: podName('web'),
  labels: {},
  lifecycle: 'online',
  engines,
  capacity: {},
  reserved: {},
  overcommitCpuMilli: 1_000,
  taints: [],
  portRange: { first: 20_000, last: 29_999 },
  portDomain: name,
});
