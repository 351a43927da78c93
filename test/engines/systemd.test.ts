import { openSystemdEngine } from '../../src/engines/systemd/engine.ts';
import { nodeName } from '../../src/model/ids.ts';
import { needsHosts, startHost, type TestHost } from '../bed/hosts.ts';
import { type EngineHarness, engineContract, shellProgram } from '../contract/engine.ts';
import { reach, systemdRevision } from './systemd-units.ts';

engineContract('systemd over SSH', {
  clusterName: 'contract',
  harness: async () => harnessOn(await startHost()),
  ...(await needsHosts()),
});

function harnessOn(machine: TestHost): EngineHarness {
  const host = reach(machine);
  return {
    firstPort: 19_000,
    open: async (cluster) =>
      openSystemdEngine({
        node: nodeName('n1'),
        cluster,
        host,
        reachableHost: machine.ip,
        endpoint: { endpoint: machine.endpoint },
      }),
    revision: (program, overrides) => systemdRevision({ ...shellProgram(program), ...overrides }),
    async foreign(name) {
      const unit = `muster-${name}.service`;
      const file = `/etc/systemd/system/${unit}`;
      await machine.sh(`printf '[Service]\\nExecStart=/bin/sleep 600\\n' >${file} && systemctl start ${unit}`);
      const look = (): Promise<string> =>
        machine.sh(`stat -c '%i %Y %Z' ${file}; cat ${file}; systemctl show -P MainPID -P ActiveState ${unit}`);
      const before = await look();
      return { untouched: async () => (await look()) === before };
    },
    async cleanUp() {
      host.close();
      await machine.close();
    },
  };
}
