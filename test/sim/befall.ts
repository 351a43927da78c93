import { keys } from '../../src/store/keys.ts';
import { isLasting } from './network.ts';
import { operate, override } from './operator.ts';
import type { Fault } from './story.ts';
import type { World } from './world.ts';

type Of<K extends Fault['kind']> = Extract<Fault, { readonly kind: K }>;

/** Starts a process again that is down. */
export type Start = (process: number) => void;

/** A fault happens. What lasts ends by itself. */
export function befall(world: World, planned: Fault, start: Start): void {
  const { network, server } = world;
  const fault =
    'process' in planned && planned.process === 'leader' ? { ...planned, process: leaderOf(world) } : planned;
  if (isLasting(fault)) network.begin(fault);
  switch (fault.kind) {
    case 'crash':
    case 'crashAtWrite':
    case 'pause':
    case 'handOver':
    case 'clockJump':
      befallProcess(world, fault, start);
      break;
    case 'storeFull':
      server.setSpace('full');
      world.scheduler.after(fault.forMs, () => server.setSpace('free'));
      break;
    case 'compact':
      server.compact();
      break;
    case 'reboot':
      for (const { sim, object } of runningOn(world, fault.node)) sim.crash(object.objectId, { exitCode: 137 });
      break;
    case 'diskFull':
      fillDisk(world, fault);
      break;
    case 'exit':
    case 'vanish':
      befallProgram(world, fault);
      break;
    case 'operator':
      operate(world, fault);
      break;
    case 'override':
      void override(world, fault);
      break;
    case 'storeAway':
    case 'storeSlow':
    case 'storeLoses':
    case 'engineAway':
    case 'engineFails':
      break;
  }
}

/** From here on nothing goes wrong; who is down is started, and does not die any more. */
export function endFaults({ network, server, machines, processes }: World, start: Start): void {
  network.heal();
  server.setSpace('free');
  for (const machine of machines.values()) machine.disk = 'free';
  for (const [number, process] of processes.entries()) {
    process?.setClock('right');
    process?.dieAtWrite({ nth: Number.POSITIVE_INFINITY, moment: 'before' });
    start(number);
  }
}

/** Its number; the first one's while nobody leads. */
function leaderOf({ server, processes }: World): number {
  const record = server.get(keys.leader)?.value;
  const actor = record === undefined ? undefined : (JSON.parse(record) as { readonly actor: string }).actor;
  return Math.max(
    0,
    processes.findIndex((process) => process?.client === actor),
  );
}

function befallProcess(
  { scheduler, processes }: World,
  fault: Of<'crash' | 'crashAtWrite' | 'pause' | 'handOver' | 'clockJump'>,
  start: Start,
): void {
  const number = Number(fault.process);
  const process = processes[number];
  if (process === undefined) return;
  if (fault.kind === 'crash') process.actor.dead = true;
  if (fault.kind === 'crashAtWrite') process.dieAtWrite(fault);
  if (fault.kind === 'pause') process.actor.pausedUntil = scheduler.now() + fault.forMs;
  if (fault.kind === 'handOver') process.stop();
  if (fault.kind === 'clockJump') process.setClock({ byMs: fault.byMs });
  // However long it takes until it dies: whoever watches over processes starts it again.
  if ('downMs' in fault) scheduler.after(fault.downMs, () => startWhenDown(scheduler, process, () => start(number)));
}

const lookEveryMs = 5_000;

function startWhenDown(scheduler: World['scheduler'], process: { isAlive(): boolean }, start: () => void): void {
  if (process.isAlive()) scheduler.after(lookEveryMs, () => startWhenDown(scheduler, process, start));
  else start();
}

function fillDisk({ machines, scheduler }: World, { node, forMs }: Of<'diskFull'>): void {
  const machine = machines.get(node);
  if (machine === undefined) return;
  machine.disk = 'full';
  scheduler.after(forMs, () => {
    machine.disk = 'free';
  });
}

function befallProgram(world: World, { kind, draw }: Of<'exit' | 'vanish'>): void {
  const all = [...world.machines.keys()].flatMap((node) => runningOn(world, node));
  const victim = all[Math.floor(draw * all.length)];
  if (victim === undefined) return;
  if (kind === 'exit') victim.sim.crash(victim.object.objectId, { exitCode: 1 });
  else victim.sim.vanish(victim.object.objectId);
}

function runningOn({ machines }: World, node: string) {
  const sim = machines.get(node)?.sim;
  if (sim === undefined) return [];
  return sim.objects().flatMap((object) => (object.state === 'running' ? [{ sim, object }] : []));
}
