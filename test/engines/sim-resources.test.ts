import { createSimEngine } from '../../src/engines/sim/sim.ts';
import { present } from '../../src/model/assert.ts';
import { nodeName } from '../../src/model/ids.ts';
import { engineResourceContract } from '../contract/engine-resources.ts';
import { processRevision } from './process-programs.ts';

engineResourceContract('sim', {
  clusterName: 'contract',
  harness: async () => {
    const sim = createSimEngine({
      node: nodeName('n1'),
      kind: 'docker',
      seed: 1,
      networks: ['prod-br'],
      exec: (environment, command) => ({ exitCode: 0, output: environment[command[0] ?? ''] ?? '' }),
    });
    const objectOf = (objectId: string) =>
      present(
        sim.objects().find((object) => object.objectId === objectId),
        objectId,
      );
    return {
      open: async (cluster) => sim.open(cluster),
      revision: (overrides) => ({ ...processRevision({ command: ['program'] }), engine: 'docker', ...overrides }),
      device: '/data1',
      hostDirectory: '/srv/shared',
      network: { name: 'prod', subnet: '10.1.0.0/24', pools: [], docker: { network: 'prod-br' } },
      cores: async (_engine, objectId) => objectOf(objectId).holds.cpuset ?? '',
      address: async (_engine, objectId) => objectOf(objectId).holds.ip ?? '',
      write: async (_engine, objectId, file) => sim.writeFile(objectId, file),
      read: async (_engine, objectId, path) => sim.readFile(objectId, path),
      variable: async (engine, objectId, name) => (await engine.exec(objectId, [name], { deadlineMs: 1_000 })).output,
      foreign: async (ip) => {
        sim.addForeign({ name: 'stranger', addresses: [{ network: 'prod-br', ip }] });
        return 'stranger';
      },
      cleanUp: async () => undefined,
    };
  },
});
