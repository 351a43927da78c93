import type { Context } from './context.ts';
import { type Draft, makes } from './draft.ts';
import { type Placed, surgeOf } from './place/place.ts';

/** One batch of a unit's drafts. */
export interface WaveDraft {
  readonly drafts: readonly Draft[];
  readonly observeMs: number;
}

export interface Schedule {
  readonly waves: readonly WaveDraft[];
  /** Fewest of the base that are available at any time. */
  readonly lowest: number;
}

/**
 * Orders a unit's drafts into waves: first what repairs, then moves, then the rollout in its groups, then what is new
 * at the new revision, removals last. No wave takes more than the budget leaves, or adds more than the surge.
 */
export function schedule(context: Context, placed: Placed): Schedule {
  const { intent, budget } = placed;
  const state: State = {
    floor: budget.base - budget.maxUnavailable,
    maxUnavailable: budget.maxUnavailable,
    surge: Math.max(1, surgeOf(intent, budget)),
    up: budget.available,
    lowest: Math.min(budget.base, budget.available),
    waves: [],
  };
  const isRollout = placed.rollout.length > 0;
  pushWave(state, [...placed.heals, ...(isRollout ? [] : placed.news)], 0);
  const waiting = [...batches(state, freeFirst(placed.moves), 0)];
  const stopped = rollGroups(state, placed);
  waiting.push(...stopped);
  if (isRollout && stopped.length === 0) pushWave(state, placed.news, 0);
  pushWave(state, intent.removals, 0);
  reportWaiting(context, placed, waiting);
  return { waves: state.waves, lowest: Math.max(0, Math.min(state.lowest, budget.base)) };
}

/** Group by group, until one cannot go on; returns what waits. */
function rollGroups(state: State, placed: Placed): readonly Draft[] {
  const groups = rolloutGroups(placed);
  for (const [index, group] of groups.entries()) {
    const waiting = batches(state, group, placed.intent.definition.update.observeMs);
    if (waiting.length > 0) return [...waiting, ...groups.slice(index + 1).flat()];
  }
  return [];
}

interface State {
  /** Fewest that have to stay available. */
  readonly floor: number;
  readonly maxUnavailable: number;
  readonly surge: number;
  up: number;
  lowest: number;
  readonly waves: WaveDraft[];
}

/** Takes, restores and remembers: after a wave's gate everything that it made or changed serves. */
function pushWave(state: State, drafts: readonly Draft[], observeMs: number): void {
  if (drafts.length === 0) return;
  const taken = drafts.filter((draft) => draft.disrupts).length;
  state.lowest = Math.min(state.lowest, state.up - taken);
  const repaired = drafts.filter((draft) => makes(draft) && wasDown(draft)).length;
  state.up += repaired;
  state.waves.push({ drafts: [...drafts], observeMs });
}

/** A recorded instance that nobody could use. */
const wasDown = ({ old, disrupts, order }: Draft): boolean =>
  old !== undefined &&
  old.allocation.state !== 'held' &&
  !disrupts &&
  (order === 'stop-first' || old.object === 'gone');

/** What is down already comes first: it costs nothing, and gives the budget back. */
const freeFirst = (drafts: readonly Draft[]): readonly Draft[] =>
  [...drafts].sort((a, b) => Number(isCharged(a)) - Number(isCharged(b)) || a.ordinal - b.ordinal);

const isCharged = (draft: Draft): boolean => draft.disrupts || !wasDown(draft);

/** Waves within budget and surge; returns what has to wait because others are unavailable. */
function batches(state: State, drafts: readonly Draft[], observeMs: number): readonly Draft[] {
  let at = 0;
  // Every turn takes at least one draft, or ends.
  while (at < drafts.length) {
    const allowed = Math.min(state.maxUnavailable, state.up - state.floor);
    const wave: Draft[] = [];
    let taken = 0;
    let added = 0;
    for (let draft = drafts[at]; draft !== undefined; draft = drafts[at]) {
      if (draft.disrupts && taken + 1 > allowed) break;
      if (!draft.disrupts && isCharged(draft) && added + 1 > state.surge) break;
      taken += draft.disrupts ? 1 : 0;
      added += !draft.disrupts && isCharged(draft) ? 1 : 0;
      wave.push(draft);
      at += 1;
    }
    if (wave.length === 0) return drafts.slice(at);
    pushWave(state, wave, at === drafts.length ? observeMs : 0);
  }
  return [];
}

/** The rollout cut at its cumulative groups; what has the revision already counts as rolled out. */
function rolloutGroups({ intent, rollout }: Placed): readonly (readonly Draft[])[] {
  const drafts = freeFirst(rollout);
  const done = intent.wanted.length - intent.rollout.length;
  const groups: Draft[][] = [];
  let at = 0;
  const bounds = intent.definition.update.groups.map((group) =>
    group.kind === 'count' ? group.count : Math.ceil((intent.replicas * group.percent) / 100),
  );
  for (const bound of [...bounds, Number.POSITIVE_INFINITY]) {
    const end = Math.min(drafts.length, Math.max(at, bound - done));
    if (end > at) groups.push(drafts.slice(at, end));
    at = end;
  }
  return groups;
}

function reportWaiting(context: Context, { intent, budget }: Placed, left: readonly Draft[]): void {
  if (left.length === 0) return;
  const { id } = intent.workload;
  for (const draft of left) {
    const from = draft.old?.node;
    if (from?.draining === true)
      context.blockDrain(from, draft.instance, 'too many others of the workload are unavailable');
  }
  const down = Math.max(0, budget.base - budget.available);
  context.notes.warn(
    'MUS5010',
    id,
    `${id}: ${left.length} ${left.length === 1 ? 'step waits' : 'steps wait'}: ${down} of ${budget.base} instances are unavailable, ` +
      `and at most ${budget.maxUnavailable} may be`,
  );
}
