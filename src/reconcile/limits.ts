import PQueue from 'p-queue';
import type { DesiredCluster, NamedLimit } from '../model/desired.ts';
import type { EffectKind } from '../model/effects.ts';
import type { EngineKind, NodeName, PodName } from '../model/ids.ts';
import type { Clock } from './clock.ts';

/**
 * Bounds how many engine calls are under way: in all, on one node, and by name. Looks (health gates, the budget) have
 * places of their own: they are cheap and many, and must neither wait behind a slow start nor take its place.
 */
export interface Limits {
  change<T>(at: CallAt, call: () => Promise<T>): Promise<T>;
  look<T>(at: CallAt, call: () => Promise<T>): Promise<T>;
}

/** Where and what for an engine is called. */
export interface CallAt {
  readonly node: NodeName;
  readonly engine: EngineKind;
  readonly kind: EffectKind;
}

export interface LimitOptions {
  readonly apply: DesiredCluster['apply'];
  readonly podOf: (node: NodeName) => PodName | undefined;
  readonly clock: Clock;
  /** Ends waiting for a turn. */
  readonly signal: AbortSignal;
}

/** How many looks there may be for each change. */
const looksPerChange = 2;

export function createLimits(options: LimitOptions): Limits {
  const { parallelism, perNode } = options.apply;
  const changes = bounded({ parallelism, perNode });
  const looks = bounded({ parallelism: parallelism * looksPerChange, perNode: perNode * looksPerChange });
  const named = openNamed(options);
  return {
    look: (at, call) => looks(at.node, call),
    // The place among all is taken last: who waits for a named limit holds nobody else up but on its own node.
    change: (at, call) => changes(at.node, call, named(at)),
  };
}

/** Runs a call within something. */
type Within = <T>(call: () => Promise<T>) => Promise<T>;

const atOnce: Within = (call) => call();

function bounded({
  parallelism,
  perNode,
}: {
  readonly parallelism: number;
  readonly perNode: number;
}): <T>(node: NodeName, call: () => Promise<T>, named?: Within) => Promise<T> {
  const all = new PQueue({ concurrency: parallelism });
  const nodes = new Map<NodeName, PQueue>();
  const queueOf = (node: NodeName): PQueue => {
    const existing = nodes.get(node);
    if (existing !== undefined) return existing;
    const queue = new PQueue({ concurrency: perNode });
    nodes.set(node, queue);
    return queue;
  };
  // The node's queue is outside, so that a slow node holds no place of the common one while its calls wait.
  return (node, call, named = atOnce) => queueOf(node).add(() => named(() => all.add(call)));
}

/** The named limits that a call falls under, one within the other, always in the same order so that none waits for another. */
function openNamed({ apply, podOf, clock, signal }: LimitOptions): (at: CallAt) => Within {
  const limits = new Map(
    Object.entries(apply.limits ?? {}).map(([name, limit]) => [name, openLimit(limit, { clock, signal })]),
  );
  if (limits.size === 0) return () => atOnce;
  return ({ node, engine, kind }) => {
    const names = [`node/${node}`, `pod/${podOf(node) ?? ''}`, `engine/${engine}`, kind === 'pull' ? 'registry' : ''];
    const own = names.flatMap((name) => limits.get(name) ?? []);
    return own.reduceRight<Within>((inner, limit) => (call) => limit(() => inner(call)), atOnce);
  };
}

function openLimit({ batch, everyMs }: NamedLimit, { clock, signal }: Pick<LimitOptions, 'clock' | 'signal'>): Within {
  const queue = new PQueue({ concurrency: batch ?? Number.POSITIVE_INFINITY });
  let nextAt = Number.NEGATIVE_INFINITY;
  const turn = async (): Promise<void> => {
    if (everyMs === 0) return;
    const now = clock.monotonic();
    const at = Math.max(now, nextAt);
    nextAt = at + everyMs;
    if (at > now) await clock.sleep(at - now, signal);
  };
  return (call) =>
    queue.add(async () => {
      await turn();
      return call();
    });
}
