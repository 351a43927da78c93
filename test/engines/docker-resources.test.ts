import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDockerEngine } from '../../src/engines/docker/engine.ts';
import type { Engine } from '../../src/engines/engine.ts';
import type { DesiredNetwork } from '../../src/model/desired.ts';
import { nodeName } from '../../src/model/ids.ts';
import {
  docker,
  dockerEndpoint,
  needsDocker,
  needsPrivateDockerd,
  type PrivateDockerd,
  startPrivateDockerd,
  testImages,
} from '../bed/docker.ts';
import { shellProgram } from '../contract/engine.ts';
import { engineResourceContract, type ResourceHarness } from '../contract/engine-resources.ts';

const clusterName = `dockerresources${process.pid}`;

/** The suite on one daemon; `own` is closed at the end. */
async function harnessOn(endpoint: string, own?: PrivateDockerd): Promise<ResourceHarness> {
  const cli = own?.endpoint ?? endpoint;
  const folder = await mkdtemp(join(tmpdir(), 'muster-device-'));
  const [device, hostDirectory] = [join(folder, 'data1'), join(folder, 'shared')];
  for (const path of [device, hostDirectory]) await mkdir(path);
  const network = await makeNetwork(cli);
  const foreign: string[] = [];
  const inside = (engine: Engine, objectId: string, script: string) =>
    engine.exec(objectId, ['/bin/sh', '-c', script], { deadlineMs: 30_000 });
  const output = async (engine: Engine, objectId: string, script: string): Promise<string> => {
    const result = await inside(engine, objectId, script);
    assert.equal(result.exitCode, 0, result.output);
    return result.output.trim();
  };
  return {
    open: async (scope) =>
      openDockerEngine({
        node: nodeName('n1'),
        scope,
        endpoint: { endpoint, ...(own?.tls && { tls: { credential: 'test' } }) },
        ...(own?.tls && { tls: own.tls }),
      }),
    revision: (overrides) => ({
      engine: 'docker',
      image: testImages.first,
      ...shellProgram({ kind: 'run' }),
      args: [],
      env: {},
      resources: { cpuMillis: 50, memoryBytes: 16 << 20, storageBytes: 0, bandwidthBits: 0, extended: {} },
      limits: { cpuMillis: 1000, memoryBytes: 32 << 20 },
      ports: [],
      stop: { signal: 'SIGTERM', graceMs: 10_000, delayMs: 0 },
      restart: 'on-failure',
      ...overrides,
    }),
    device,
    hostDirectory,
    network,
    cores: (engine, objectId) => output(engine, objectId, "sed -n 's/^Cpus_allowed_list:\\t//p' /proc/self/status"),
    address: (engine, objectId) =>
      output(engine, objectId, "ip -4 addr show dev eth0 | sed -n 's|.*inet \\([0-9.]*\\)/.*|\\1|p'"),
    async write(engine, objectId, { path, text }) {
      const { exitCode } = await inside(engine, objectId, `printf %s '${text}' > '${path}'`);
      return exitCode === 0;
    },
    async read(engine, objectId, path) {
      const result = await inside(engine, objectId, `cat '${path}'`);
      return result.exitCode === 0 ? result.output : undefined;
    },
    variable: (engine, objectId, name) => output(engine, objectId, `echo "$${name}"`),
    async foreign(ip) {
      const name = `${clusterName}-foreign-${foreign.length}`;
      const where = ['--network', network.docker?.network ?? '', '--ip', ip];
      foreign.push(await docker(cli, 'run', '-d', '--name', name, ...where, testImages.first, 'sleep', '600'));
      return name;
    },
    async cleanUp() {
      if (foreign.length > 0) await docker(cli, 'rm', '-fv', ...foreign);
      const left = await docker(cli, 'ps', '-aq', '--filter', `name=^${clusterName}`);
      assert.equal(left, '', 'the suite leaves no container behind');
      await docker(cli, 'network', 'rm', network.docker?.network ?? '');
      await own?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Other tests of this machine have networks of their own: the first subnet that is free is taken. */
async function makeNetwork(cli: string): Promise<DesiredNetwork> {
  for (let tries = 1; ; tries += 1) {
    const subnet = `10.${randomInt(100, 190)}.${randomInt(0, 250)}.0/24`;
    const network = `${clusterName}-${tries}`;
    try {
      await docker(cli, 'network', 'create', '--subnet', subnet, network);
      return { name: 'prod', subnet, pools: [], docker: { network } };
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
}

engineResourceContract('docker on a unix socket', {
  clusterName,
  harness: () => harnessOn(dockerEndpoint),
  ...(await needsDocker()),
});

engineResourceContract('docker on TCP with mutual TLS', {
  clusterName,
  harness: async () => {
    const daemon = await startPrivateDockerd({ tls: 'mutual' });
    return harnessOn(daemon.tcpEndpoint, daemon);
  },
  ...(await needsPrivateDockerd()),
});
