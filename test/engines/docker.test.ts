import assert from 'node:assert/strict';
import { openDockerEngine } from '../../src/engines/docker/engine.ts';
import type { SshHost } from '../../src/engines/ssh/host.ts';
import { nodeName } from '../../src/model/ids.ts';
import type { Revision } from '../../src/model/revision.ts';
import {
  docker,
  dockerEndpoint,
  needsDocker,
  needsPrivateDockerd,
  type PrivateDockerd,
  startPrivateDockerd,
  testImages,
} from '../bed/docker.ts';
import { needsHosts, startHost, type TestHost } from '../bed/hosts.ts';
import { type EngineHarness, engineContract, shellProgram } from '../contract/engine.ts';
import { reach } from './systemd-units.ts';

/** The suite on one daemon. */
function harnessOn(options: {
  readonly endpoint: string;
  readonly publishAddress: string;
  readonly firstPort: number;
  readonly private?: PrivateDockerd;
  readonly over?: { readonly machine: TestHost; readonly host: SshHost };
}): EngineHarness {
  const { endpoint, publishAddress, firstPort } = options;
  const foreign: string[] = [];
  const tls = options.private?.tls;
  const cli = options.private?.endpoint ?? (options.over === undefined ? endpoint : dockerEndpoint);
  return {
    firstPort,
    open: async (scope) =>
      openDockerEngine({
        node: nodeName('n1'),
        scope,
        endpoint: { endpoint, publishAddress, ...(tls && { tls: { credential: 'test' } }) },
        ...(tls && { tls }),
        ...(options.over && { forward: options.over.host.forward }),
      }),
    revision: (program, overrides): Revision => ({
      engine: 'docker',
      image: testImages.first,
      ...shellProgram(program),
      args: [],
      env: {},
      resources: { cpuMillis: 50, memoryBytes: 16 << 20, storageBytes: 0, bandwidthBits: 0, extended: {} },
      limits: { cpuMillis: 1000, memoryBytes: 32 << 20 },
      ports: [{ name: 'http', port: 8080, protocol: 'tcp', publish: 'auto' }],
      stop: { signal: 'SIGTERM', graceMs: 10_000, delayMs: 0 },
      restart: 'on-failure',
      ...overrides,
    }),
    async foreign(name) {
      const id = await docker(cli, 'run', '-d', '--name', name, testImages.first, 'sleep', '600');
      foreign.push(id);
      const look = (): Promise<string> =>
        docker(cli, 'inspect', '-f', '{{.Id}} {{.State.StartedAt}} {{.State.Status}} {{.Config.Labels}}', name);
      const before = await look();
      return { untouched: async () => (await look()) === before };
    },
    async cleanUp() {
      if (foreign.length > 0) await docker(cli, 'rm', '-fv', ...foreign);
      await options.private?.close();
      options.over?.host.close();
      await options.over?.machine.close();
      const left =
        options.private === undefined ? await docker(cli, 'ps', '-aq', '--filter', 'name=^dockercontract') : '';
      assert.equal(left, '', 'the suite leaves no container behind');
    },
  };
}

const shared = await needsDocker();
engineContract('docker on a unix socket', {
  clusterName: 'dockercontract',
  harness: async () => harnessOn({ endpoint: dockerEndpoint, publishAddress: '127.0.0.2', firstPort: 19_000 }),
  ...shared,
});

engineContract('docker over SSH', {
  clusterName: 'sshdockercontract',
  harness: async () => {
    const machine = await startHost({ docker: 'shared' });
    const over = { machine, host: reach(machine) };
    return harnessOn({ endpoint: machine.endpoint, publishAddress: '127.0.0.4', firstPort: 19_300, over });
  },
  ...(await needsHosts()),
});

const own = await needsPrivateDockerd();
engineContract('docker on TCP with mutual TLS', {
  clusterName: 'dockercontract',
  harness: async () => {
    const daemon = await startPrivateDockerd({ tls: 'mutual' });
    return harnessOn({ endpoint: daemon.tcpEndpoint, publishAddress: '127.0.0.3', firstPort: 19_100, private: daemon });
  },
  ...own,
});
