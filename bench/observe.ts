import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { EngineDirectory } from '../src/engines/engine.ts';
import { openEngines } from '../src/engines/registry.ts';
import type { Desired, DesiredNode } from '../src/model/desired.ts';
import { clusterUid, nodeName } from '../src/model/ids.ts';
import { lookAtNodes } from '../src/reconcile/observe.ts';
import { openPatience, type Patience } from '../src/reconcile/patience.ts';
import { type FleetOptions, startFleet } from '../test/bed/fleet.ts';
import { compile } from './compiled.ts';
import { generateDesired } from './desired.ts';
import { mebibytes, ms, printTable } from './measure.ts';

/**
 * One look at many nodes, with real sockets and daemons that only pretend (`test/bed/fleet.ts`):
 *   node --import tsx bench/observe.ts [--endpoints 2000] [--containers 20]
 * All well; then with some that answer late, and some that take a connection and never answer. Each case in a process of
 * its own; the daemons are in another one, on the other core. The second look is the one that a loop repeats: its
 * connections are there already.
 */
const uid = clusterUid('11111111-1111-4111-8111-111111111111');

interface Case {
  readonly name: string;
  readonly slow: number;
  readonly dead: number;
}

const cases: readonly Case[] = [
  { name: 'all well', slow: 0, dead: 0 },
  { name: '100 answer after a second, 100 never', slow: 100, dead: 100 },
];

interface Look {
  readonly tookMs: number;
  readonly cpuMs: number;
  readonly reachable: number;
  readonly objects: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      endpoints: { type: 'string', default: '2000' },
      containers: { type: 'string', default: '20' },
      case: { type: 'string' },
    },
  });
  const size = { endpoints: Number(values.endpoints), containers: Number(values.containers) };
  if (values.case !== undefined) return await runCase(cases[Number(values.case)] as Case, size);
  const program = compile(import.meta.filename);
  for (const index of cases.keys()) {
    const flags = ['--endpoints', `${size.endpoints}`, '--containers', `${size.containers}`];
    await once(fork(program, ['--case', `${index}`, ...flags]), 'close');
  }
}

async function runCase(
  { name, slow, dead }: Case,
  size: Pick<FleetOptions, 'endpoints' | 'containers'>,
): Promise<void> {
  const fleet = await startFleet({ ...size, slow, dead, uid, cluster: 'bench' });
  try {
    const nodes = fleet.ports.map(nodeAt);
    const desired: Desired = {
      ...generateDesired({ nodes: 10, instances: 10, workloads: 1, seed: 1, kind: 'plain' }),
      nodes,
    };
    const engines = openEngines({ nodes, cluster: { name: 'bench', uid }, stateDir: '/nonexistent' });
    const before = process.memoryUsage.rss();
    const patience = openPatience();
    const looks: Look[] = [];
    for (let again = 0; again < 3; again++) looks.push(await look(desired, engines, patience));
    const sockets = openSockets();
    const grown = process.memoryUsage.rss() - before;
    await engines.close();
    printTable(
      `${size.endpoints} endpoints with ${size.containers} containers each: ${name}`,
      ['look', 'took', 'CPU', 'reachable', 'instances seen'],
      looks.map((each, index) => [
        index === 0 ? 'first' : 'again',
        ms(each.tookMs),
        ms(each.cpuMs),
        `${each.reachable}`,
        `${each.objects}`,
      ]),
    );
    console.log(`${sockets} sockets open at the end; ${mebibytes(grown)} more than before\n`);
  } finally {
    fleet.stop();
  }
}

const nodeAt = (port: number, index: number): DesiredNode => ({
  ...(generateDesired({ nodes: 10, instances: 10, workloads: 1, seed: 1, kind: 'plain' }).nodes[0] as DesiredNode),
  name: nodeName(`n${String(index).padStart(5, '0')}`),
  engines: { docker: { endpoint: `tcp://127.0.0.1:${port}` } },
});

async function look(desired: Desired, engines: EngineDirectory, patience: Patience): Promise<Look> {
  const start = performance.now();
  const cpu = process.cpuUsage();
  const { nodes, objects } = await lookAtNodes({ desired, engines, whose: 'uid', patience });
  return {
    tookMs: performance.now() - start,
    cpuMs: process.cpuUsage(cpu).user / 1000,
    reachable: [...nodes.values()].filter(({ liveness }) => liveness === 'alive').length,
    objects: objects.length,
  };
}

const openSockets = (): number => readdirSync('/proc/self/fd').length;

await main();
