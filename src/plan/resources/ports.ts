import type { Revision } from '../../model/revision.ts';
import {
  countFree,
  isTaken,
  lowestFree,
  type NumberRange,
  type Numbers,
  openNumbers,
  releaseNumber,
  takeNumber,
} from './numbers.ts';
import type { NodeFacts, PlacedResource } from './resource.ts';

/** Published ports, in the revision's order. */
export type PortAsk = readonly { readonly name: string; readonly publish: 'auto' | number }[];

/** Port name → host port. Two names may have one number: tcp and udp share them. */
export type HeldPorts = Readonly<Record<string, number>>;

/**
 * Host ports. Nodes on one machine share them (`portDomain`), foreign objects' included; which ones `auto` draws from is
 * the node's own matter.
 */
export const ports: PlacedResource<PortAsk, HeldPorts, Numbers> = {
  key: 'ports',
  askOf,
  heldOf: (holds) => holds.ports,
  holdsOf: (held) => ({ ports: held }),
  poolOf: ({ name, definition }) => definition?.portDomain ?? name,
  open(node) {
    const taken = openNumbers();
    takeForeign(taken, node);
    return taken;
  },
  join: takeForeign,
  take(taken, held) {
    for (const name in held) takeNumber(taken, held[name] as number);
  },
  release(taken, held) {
    for (const name in held) releaseNumber(taken, held[name] as number);
  },
  choose,
  room,
  short(taken, ask) {
    const used = fixedOf(ask).filter((port) => isTaken(taken, port));
    if (used.length > 0) return { text: `have port ${used.join(' and ')} in use already`, missing: {} };
    const count = ask.length - fixedOf(ask).length;
    return { text: count > 1 ? `lack ${count} free ports` : 'lack a free port', missing: {} };
  },
  beyond(held, by) {
    const covered = Object.values(by);
    const rest = Object.entries(held).filter(([, port]) => !covered.includes(port));
    return rest.length === 0 ? undefined : Object.fromEntries(rest);
  },
};

function askOf(revision: Revision): PortAsk | undefined {
  const ask: { name: string; publish: 'auto' | number }[] = [];
  for (const { name, publish } of revision.ports) if (publish !== 'none') ask.push({ name, publish });
  return ask.length === 0 ? undefined : ask;
}

function takeForeign(taken: Numbers, { foreign }: NodeFacts): void {
  for (const object of foreign) for (const port of object.ports) takeNumber(taken, port);
}

/**
 * Fixed ports as they are, the others as the predecessor had them (wherever the range is now: clients know them) or else
 * the lowest of the node's range that is free.
 */
function choose(
  taken: Numbers,
  ask: PortAsk,
  { node, keep }: { readonly node: NodeFacts; readonly keep: HeldPorts | undefined },
): HeldPorts | undefined {
  const [first] = ask;
  // Most instances publish one port, and a plan may place a hundred thousand of them.
  if (ask.length === 1 && first?.publish === 'auto' && keep === undefined) {
    const port = lowestFree(taken, rangeOf(node));
    return port === undefined ? undefined : { [first.name]: port };
  }
  const own = fixedOf(ask);
  if (own.some((port) => isTaken(taken, port))) return undefined;
  const known = ask.map(({ name, publish }) => (publish === 'auto' ? keptPort(taken, own, keep?.[name]) : publish));
  const held: Record<string, number> = {};
  for (const [index, { name }] of ask.entries()) {
    const port = known[index] ?? nextFree(taken, own, rangeOf(node));
    if (port === undefined) return undefined;
    held[name] = port;
  }
  return held;
}

/** The port again where it is free; then it is one of `own`. */
function keptPort(taken: Numbers, own: number[], port: number | undefined): number | undefined {
  if (port === undefined || isTaken(taken, port) || own.includes(port)) return undefined;
  own.push(port);
  return port;
}

/** The lowest port that is free and not one of `own`, which it then is. */
function nextFree(taken: Numbers, own: number[], range: NumberRange): number | undefined {
  let port = lowestFree(taken, range);
  while (port !== undefined && own.includes(port)) port = lowestFree(taken, { first: port + 1, last: range.last });
  if (port !== undefined) own.push(port);
  return port;
}

/** A node that has left git publishes nothing more. */
const rangeOf = ({ definition }: NodeFacts): NumberRange => definition?.portRange ?? { first: 1, last: 0 };

const fixedOf = (ask: PortAsk): number[] => ask.flatMap(({ publish }) => (publish === 'auto' ? [] : [publish]));

/** A fixed port can be had once; automatic ones as often as there are enough of them. */
function room(
  taken: Numbers,
  ask: PortAsk,
  { node, atMost }: { readonly node: NodeFacts; readonly atMost: number },
): number {
  if (atMost === 0) return 0;
  if (fixedOf(ask).length > 0) return choose(taken, ask, { node, keep: undefined }) === undefined ? 0 : 1;
  return Math.floor(countFree(taken, rangeOf(node), ask.length * atMost) / ask.length);
}
