import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { generateDesired } from '../../bench/desired.ts';
import type { EngineDirectory } from '../../src/engines/engine.ts';
import { openEngines } from '../../src/engines/registry.ts';
import type { Desired, DesiredNode } from '../../src/model/desired.ts';
import { clusterUid, nodeName } from '../../src/model/ids.ts';
import { lookAtNodes } from '../../src/reconcile/observe.ts';
import { openPatience } from '../../src/reconcile/patience.ts';
import { type Fleet, startFleet } from '../bed/fleet.ts';

const uid = clusterUid('66666666-6666-4666-8666-666666666666');
const size = { endpoints: 300, containers: 3, dead: 100, slow: 20 };

describe('a look at hundreds of nodes, a third of which hang', () => {
  let fleet: Fleet;
  let desired: Desired;
  let engines: EngineDirectory;
  const patience = openPatience();
  const look = async (): Promise<{ readonly alive: number; readonly objects: number; readonly tookMs: number }> => {
    const start = performance.now();
    const { nodes, objects } = await lookAtNodes({ desired, engines, whose: 'uid', patience });
    const alive = [...nodes.values()].filter(({ liveness }) => liveness === 'alive').length;
    return { alive, objects: objects.length, tookMs: performance.now() - start };
  };

  before(async () => {
    fleet = await startFleet({ ...size, uid, cluster: 'many' });
    const world = generateDesired({ nodes: 10, instances: 10, workloads: 1, seed: 1, kind: 'plain' });
    const nodes = fleet.ports.map((port, index) => ({
      ...(world.nodes[0] as DesiredNode),
      name: nodeName(`n${String(index).padStart(4, '0')}`),
      engines: { docker: { endpoint: `tcp://127.0.0.1:${port}` } },
    }));
    desired = { ...world, nodes };
    engines = openEngines({ nodes, cluster: { name: 'many', uid }, stateDir: '/nonexistent' });
  });
  after(async () => {
    await engines.close();
    fleet.stop();
  });

  test('everything that answers is seen by the deadline of what does not', async () => {
    const first = await look();
    assert.deepEqual([first.alive, first.objects], [200, 600]);
    // One deadline after the other would be 20 s: more hang than there are places.
    assert.ok(first.tookMs < 15_000, `${first.tookMs} ms`);
  });

  test('what hung is waited for less the next time, and connections stay few', async () => {
    const again = await look();
    assert.deepEqual([again.alive, again.objects], [200, 600]);
    assert.ok(again.tookMs < 8_000, `${again.tookMs} ms`);
    const sockets = readdirSync('/proc/self/fd').length;
    assert.ok(sockets < size.endpoints * 5, `${sockets} open files`);
  });
});
