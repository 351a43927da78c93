import { type Random, randomOf } from './random.ts';
import type { Fault, Story, StoryChange, StoryWorkload, WorkloadShape } from './story.ts';

const shapes: readonly WorkloadShape[] = ['web', 'web', 'plain', 'fixed', 'store', 'cores', 'agent'];

/** The story of a seed: always the same. */
export function storyOf(seed: number): Story {
  const random = randomOf(seed, 'story');
  const nodes = Array.from({ length: random.between(3, 4) }, (_, index) => ({
    name: `n${index + 1}`,
    cpuMillis: random.pick([1_500, 2_000, 3_000]),
  }));
  const workloads = tiedTogether(
    randomOf(seed, 'together'),
    Array.from({ length: random.between(2, 3) }, (_, index) => workload(random, index)),
  );
  const processes = random.pick([1, 1, 2, 2, 3]);
  const changes = Array.from({ length: random.between(2, 5) }, () => change(random, workloads, nodes));
  changes.push(...inTheMiddle(randomOf(seed, 'in the middle'), changes));
  const late = takenBack(randomOf(seed, 'taken back'), { workloads, nodes: nodes.map(({ name }) => name) });
  changes.push(...late.changes);
  changes.push(...releases(randomOf(seed, 'releases'), workloads));
  const moments = changes.map(({ at }) => at);
  const of = { moments, nodes: nodes.map(({ name }) => name), processes };
  const faults = Array.from({ length: random.happens(0.05) ? 0 : random.between(1, 5) }, () => fault(random, of));
  if (random.happens(0.5)) faults.push(...random.pick([lateCalls, lateWrites, cutOff])(random, of));
  const bad = changes.find((event) => event.kind === 'revise' && event.quality === 'bad');
  if (bad !== undefined && random.happens(0.6)) faults.push(crashAtWrite(random, bad.at));
  if (random.happens(0.1)) {
    const half = halfMade(random, { workloads, nodes: of.nodes });
    changes.push(half.change);
    faults.push(half.fault);
  }
  faults.push(...late.faults, ...toldByOperators(randomOf(seed, 'operators'), moments));
  faults.push(...overrides(randomOf(seed, 'overrides'), moments));
  return {
    seed,
    nodes,
    workloads,
    ...(random.happens(0.3) && { quotaCpuMillis: random.pick([2_000, 3_000, 4_000]) }),
    // Somebody has to take over.
    processes: late.faults.length > 0 ? Math.max(2, processes) : processes,
    changes: changes.sort((a, b) => a.at - b.at),
    faults: faults.sort((a, b) => a.at - b.at),
    quietAt: storyMs,
  };
}

const storyMs = 400_000;

function workload(random: Random, index: number): StoryWorkload {
  const shape = random.pick(shapes);
  return {
    name: `w${index + 1}`,
    shape,
    replicas: random.between(1, 4),
    cpuMillis: shape === 'cores' ? random.pick([500, 1_000]) : random.pick([100, 300, 500]),
  };
}

function change(random: Random, workloads: readonly StoryWorkload[], nodes: Story['nodes']): StoryChange {
  const at = random.between(20_000, storyMs - 60_000);
  const { name } = random.pick(workloads);
  const version = random.between(2, 9);
  switch (random.between(0, 9)) {
    case 0:
    case 1:
      return { at, kind: 'scale', workload: name, replicas: random.between(0, 5) };
    case 2:
    case 3:
    case 4:
      return { at, kind: 'revise', workload: name, version, quality: random.happens(0.3) ? 'bad' : 'good' };
    case 5:
      return { at, kind: 'resize', workload: name, cpuMillis: random.pick([100, 300, 500]) };
    case 6:
      return { at, kind: 'remove', workload: name };
    case 7:
      return { at, kind: 'restore', workload: name };
    case 8:
      return { at, kind: 'drain', node: random.pick(nodes).name };
    default:
      return { at, kind: 'undrain', node: random.pick(nodes).name };
  }
}

/** In every third story two of the workloads change together. */
const tiedTogether = (random: Random, workloads: readonly StoryWorkload[]): readonly StoryWorkload[] =>
  random.happens(0.35)
    ? workloads.map((one, index) => (index < 2 ? { ...one, transaction: 'release' } : one))
    : workloads;

/** Where some change together they mostly do so in one commit. */
function releases(random: Random, workloads: readonly StoryWorkload[]): readonly StoryChange[] {
  const tied = workloads.filter(({ transaction }) => transaction !== undefined);
  if (tied.length === 0) return [];
  return Array.from({ length: random.between(1, 3) }, () => ({
    at: random.between(20_000, storyMs - 60_000),
    kind: 'release',
    version: random.between(2, 9),
    ...(random.happens(0.4) && { bad: random.pick(tied).name }),
  }));
}

/** Somebody pushes again while what was pushed before is still being rolled out. */
function inTheMiddle(random: Random, changes: readonly StoryChange[]): readonly StoryChange[] {
  const first = changes.find((event) => event.kind === 'revise');
  if (first?.kind !== 'revise' || random.happens(0.5)) return [];
  const at = first.at + random.between(200, 9_000);
  const { workload: name } = first;
  const quality = random.happens(0.3) ? 'bad' : 'good';
  return random.happens(0.7)
    ? [{ at, kind: 'revise', workload: name, version: random.between(2, 9), quality }]
    : [{ at, kind: 'resize', workload: name, cpuMillis: random.pick([100, 300, 500]) }];
}

/** In every third story somebody interferes while git's changes are being rolled out. */
function toldByOperators(random: Random, moments: readonly number[]): readonly Fault[] {
  if (!random.happens(0.35)) return [];
  return Array.from({ length: random.between(1, 2) }, () => ({
    at: random.pick([0, ...moments]) + random.between(0, 3_000),
    kind: 'operator',
    does: random.pick(['pause', 'pause', 'cancel', 'cancel', 'abandon', 'skip']),
    draw: random.next(),
    forMs: random.pick([500, 8_000, 40_000]),
  }));
}

/** In every fifth story something else than git says is in force for a while. */
function overrides(random: Random, moments: readonly number[]): readonly Fault[] {
  if (!random.happens(0.2)) return [];
  return Array.from({ length: random.between(1, 2) }, () => ({
    at: random.pick([0, ...moments]) + random.between(0, 6_000),
    kind: 'override',
    does: random.pick(['pin', 'pin', 'freeze', 'cordon']),
    draw: random.next(),
    forMs: random.pick([2_000, 15_000, 40_000]),
  }));
}

interface Around {
  /** When git changes. */
  readonly moments: readonly number[];
  readonly nodes: readonly string[];
  readonly processes: number;
}

/** Most faults come while something is being done. */
function fault(random: Random, of: Around): Fault {
  const at = random.happens(0.8)
    ? random.pick([0, ...of.moments]) + random.between(0, 8_000)
    : random.between(0, storyMs - 60_000);
  const process = random.happens(0.6) ? 'leader' : random.between(0, of.processes - 1);
  const node = random.pick(of.nodes);
  const downMs = random.pick([100, 2_000, 15_000, 40_000]);
  const forMs = random.pick([500, 3_000, 9_000, 15_000, 40_000]);
  const share = random.pick([0.1, 0.3, 0.6]);
  const kinds: readonly (() => Fault)[] = [
    () => ({ at, kind: 'crash', process, downMs }),
    () => ({
      at,
      kind: 'crashAtWrite',
      process,
      nth: random.between(1, 60),
      moment: random.pick(['before', 'after']),
      downMs,
    }),
    () => ({
      at,
      kind: 'crashAtWrite',
      process,
      nth: random.between(1, 20),
      moment: random.pick(['before', 'after']),
      downMs,
    }),
    () => ({ at, kind: 'pause', process, forMs }),
    () => ({ at, kind: 'pause', process, forMs }),
    () => ({ at, kind: 'handOver', process, downMs }),
    () => ({ at, kind: 'clockJump', process, byMs: random.pick([-3_600_000, -5_000, 5_000, 3_600_000]) }),
    () => ({ at, kind: 'storeAway', forMs, ...(random.happens(0.5) && { process }) }),
    () => ({ at, kind: 'storeSlow', forMs, delayMs: random.pick([100, 1_000, 4_000]) }),
    () => ({ at, kind: 'storeLoses', forMs, share, lateMs: random.pick([0, 1_000, 20_000]) }),
    () => ({ at, kind: 'storeFull', forMs }),
    () => ({ at, kind: 'compact' }),
    () => ({
      at,
      kind: 'engineAway',
      node,
      forMs,
      how: random.pick(['refused', 'silent']),
      ...(random.happens(0.3) && { process }),
    }),
    () => ({ at, kind: 'reboot', node, forMs }),
    () => ({ at, kind: 'diskFull', node, forMs }),
    () => ({
      at,
      kind: 'engineFails',
      node,
      forMs,
      share,
      how: random.pick(['before', 'after', 'twice', 'slow', 'late']),
    }),
    () => ({
      at,
      kind: 'engineFails',
      node,
      forMs,
      share,
      how: random.pick(['before', 'after', 'twice', 'slow', 'late']),
    }),
    () => ({ at, kind: 'exit', draw: random.next() }),
    () => ({ at, kind: 'vanish', draw: random.next() }),
  ];
  return random.pick(kinds)();
}

/** A leader that dies or stops while calls of its own are still on their way to an engine: they land under its successor. */
function lateCalls(random: Random, of: Pick<Around, 'moments' | 'nodes'>): readonly Fault[] {
  const at = random.pick([0, ...of.moments]) + random.between(0, 1_000);
  const node = random.pick(of.nodes);
  return [{ at, kind: 'engineFails', node, forMs: 4_000, share: 0.6, how: 'late' }, endOfLeader(random, at)];
}

/**
 * In every twentieth story: a leader dies while engines have yet to carry out what it asked for, its successor finishes
 * that, and git takes it back before it comes a second time.
 */
function takenBack(
  random: Random,
  of: { readonly workloads: readonly StoryWorkload[]; readonly nodes: readonly string[] },
): { readonly changes: readonly StoryChange[]; readonly faults: readonly Fault[] } {
  if (!random.happens(0.05)) return { changes: [], faults: [] };
  const at = random.between(20_000, storyMs - 80_000);
  const workload = random.pick(of.workloads).name;
  const changes = [at, at + 9_000].map(
    (moment, index): StoryChange =>
      random.happens(0.5)
        ? { at: moment, kind: 'revise', workload, version: 11 + index, quality: 'good' }
        : { at: moment, kind: 'resize', workload, cpuMillis: random.pick([100, 300, 500, 700]) },
  );
  const late = of.nodes.map(
    (node): Fault => ({ at: at + 50, kind: 'engineFails', node, forMs: 5_000, share: 0.7, how: 'late' }),
  );
  const crash: Fault = { at: at + random.between(150, 900), kind: 'crash', process: 'leader', downMs: 60_000 };
  return { changes, faults: [...late, crash] };
}

/** The same with writes on their way to the store. */
function lateWrites(random: Random, of: Pick<Around, 'moments'>): readonly Fault[] {
  const at = random.pick([0, ...of.moments]) + random.between(0, 1_000);
  return [{ at, kind: 'storeLoses', forMs: 4_000, share: 0.4, lateMs: 40_000 }, endOfLeader(random, at)];
}

/** A leader that has lost the store while an engine keeps it waiting. */
function cutOff(random: Random, of: Pick<Around, 'moments' | 'nodes'>): readonly Fault[] {
  const at = random.pick([0, ...of.moments]) + random.between(200, 1_500);
  return [
    { at, kind: 'engineAway', node: random.pick(of.nodes), forMs: 40_000, how: 'refused' },
    { at: at + random.between(100, 1_000), kind: 'storeAway', forMs: 40_000, process: 'leader' },
  ];
}

/**
 * All instances of a new workload are made at once and never get healthy, while one node makes its own without ever saying
 * so: the unit is undone, and nobody has heard of what is there.
 */
function halfMade(
  random: Random,
  of: { readonly workloads: readonly StoryWorkload[]; readonly nodes: readonly string[] },
): { readonly change: StoryChange; readonly fault: Fault } {
  const workload = random.pick(of.workloads).name;
  const node = random.pick(of.nodes);
  return {
    change: { at: 1, kind: 'revise', workload, version: random.between(2, 9), quality: 'bad' },
    fault: { at: random.between(1, 200), kind: 'engineFails', node, forMs: 45_000, share: 1, how: 'after' },
  };
}

const endOfLeader = (random: Random, from: number): Fault =>
  random.happens(0.5)
    ? { at: from + random.between(0, 3_000), kind: 'crash', process: 'leader', downMs: random.pick([100, 15_000]) }
    : { at: from + random.between(0, 3_000), kind: 'pause', process: 'leader', forMs: random.pick([15_000, 40_000]) };

const crashAtWrite = (random: Random, at: number): Fault => ({
  at,
  kind: 'crashAtWrite',
  process: 'leader',
  nth: random.between(1, 40),
  moment: random.pick(['before', 'after']),
  downMs: random.pick([100, 15_000]),
});
