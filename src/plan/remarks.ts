import { commitsText } from '../model/commits.ts';
import type { WorkloadId } from '../model/ids.ts';
import { formatInstant } from '../model/instant.ts';
import { coveringTargets, type InFlightUnit, type Override } from '../model/recorded.ts';
import type { Context } from './context.ts';
import type { MatchedWorkload } from './match.ts';
import { isOutdated } from './outdated.ts';

/** A unit of it is under way, or somebody froze it: it keeps what it has and gets no steps. */
export function noteFrozen(context: Context, { id, frozen }: MatchedWorkload): void {
  const { inFlight } = context.inputs.recorded;
  if (frozen === 'inFlight') {
    const unit = inFlight.find((entry) => (entry.unit as string) === id);
    context.notes.warn(
      'MUS5008',
      id,
      `${id} is left alone: its unit is ${unit?.status ?? 'in flight'} in run ${unit?.run ?? '?'} (muster unit show ${id})` +
        (unit === undefined ? '' : successorText(context, unit)),
    );
    return;
  }
  const freeze = freezeOf(context, id);
  context.notes.warn(
    'MUS5008',
    id,
    `${id} is left alone: ${freeze === undefined ? 'it is frozen' : freezeText(freeze)}`,
  );
}

/** What is on its way makes room for a newer commit; what waits for an operator does not. */
function successorText({ inputs: { desired } }: Context, unit: InFlightUnit): string {
  const goesOn = unit.status === 'running' || unit.status === 'queued';
  if (goesOn && unit.transaction !== undefined && isOutdated(desired, unit))
    return `; git has changed it since: ${commitsText(desired.commits)} comes after transaction ${unit.transaction} has ended`;
  return goesOn && isOutdated(desired, unit)
    ? `; git has changed it since: ${commitsText(desired.commits)} takes over when the wave under way is through`
    : '';
}

/** The narrowest freeze that holds for it now. */
function freezeOf({ inputs: { recorded, now } }: Context, id: WorkloadId): Override | undefined {
  const freezes = recorded.overrides.filter(({ kind, until }) => kind === 'freeze' && until > now);
  const [freeze] = coveringTargets(id).flatMap((target) => freezes.find((entry) => entry.target === target) ?? []);
  return freeze;
}

function freezeText({ target, until, actor, reason }: Override): string {
  const what = target === '*' ? 'everything' : target.includes('/') ? 'it' : `namespace ${target}`;
  return `${what} is frozen until ${formatInstant(until)} by ${actor} (${reason}); muster thaw ${target === '*' ? "'*'" : target}`;
}

/** Nodes that an operator closed, beside those that git closes. A rebalance closes some on paper, and says so itself. */
export function noteCordons({ cluster, inputs, notes }: Context): void {
  if (inputs.relocate !== undefined) return;
  for (const { kind, target, until, actor, reason } of inputs.recorded.overrides) {
    if (kind !== 'cordon' || until <= inputs.now) continue;
    if (cluster.nodes.every(({ name }) => name !== target)) continue;
    notes.warn(
      'MUS5012',
      target,
      `node ${target} accepts nothing new until ${formatInstant(until)}: cordoned by ${actor} (${reason}); muster node uncordon ${target}`,
    );
  }
}

/** What the plan takes for granted about nodes, one warning each. */
export function noteWorld(context: Context): void {
  const { nodes } = context.cluster;
  const unknown = nodes.filter((node) => node.definition !== undefined && node.observed === undefined);
  if (unknown.length > 0) {
    context.notes.warn(
      'MUS5001',
      undefined,
      `${count(unknown.length, 'node was', 'nodes were')} not observed and ${unknown.length === 1 ? 'is' : 'are'} taken as declared, ` +
        `alive and empty: ${some(unknown.map((node) => node.name))}`,
    );
  }
  const foreign = nodes.filter((node) =>
    // A port that is taken is passed over without a word; room that is taken explains refusals.
    node.observed?.foreign.some((object) => Object.keys(object.resources).length > 0),
  );
  if (foreign.length > 0) {
    context.notes.warn(
      'MUS5004',
      undefined,
      `what is not ours is charged, and never touched, on ${count(foreign.length, 'node', 'nodes')}: ${some(foreign.map((node) => node.name))}`,
    );
  }
}

/** Ours, but of no allocation. Taking them away is not supported yet. */
export function noteOrphans(context: Context): void {
  const { orphans } = context.compiled;
  const policy = context.inputs.desired.cluster.drift.orphan;
  if (policy === 'ignore') return;
  const frozen = new Set(context.inputs.recorded.inFlight.map((entry) => entry.unit as string));
  for (const { allocation, node, engine, objectId, state } of orphans) {
    if (frozen.has(allocation.slice(0, allocation.lastIndexOf('/')))) continue;
    context.notes.warn(
      'MUS5007',
      allocation,
      `${allocation} is ${state} on ${node} as ${engine} object ${objectId}, and no allocation owns it: ` +
        '`muster run` takes it away where it is a zombie (muster status); remove it by hand otherwise, if it is not needed',
    );
  }
}

/** Nothing is concluded about what cannot be seen. */
export function noteUnseen(context: Context): void {
  for (const [workload, instances] of context.unseenInstances) {
    const nodes = [...new Set(instances.map((instance) => instance.node.name))].sort();
    context.notes.warn(
      'MUS5006',
      workload,
      `${workload}: ${count(instances.length, 'instance is left as it is', 'instances are left as they are')}, ` +
        `since ${count(nodes.length, 'node does', 'nodes do')} not answer: ${some(nodes)}`,
    );
  }
}

/** A node whose definition is gone cannot be reached to be emptied: it has to leave in two commits. */
export function refuseUnreachableLeavers(context: Context): void {
  const leavers = context.cluster.nodes.filter((node) => node.definition === undefined && node.observed === undefined);
  if (leavers.length === 0) return;
  const held = new Map<string, number>();
  for (const { node } of context.inputs.recorded.allocations) held.set(node, (held.get(node) ?? 0) + 1);
  for (const node of leavers) {
    const instances = held.get(node.name) ?? 0;
    context.notes.refuse({
      code: 'MUS4003',
      subject: node.name,
      instances,
      message:
        `node ${node.name} left git, but holds ${count(instances, 'allocation', 'allocations')} and cannot be reached without its definition: ` +
        'put it back with `lifecycle: offline`, apply, then remove it',
      byReason: {},
    });
  }
}

const count = (amount: number, one: string, many: string): string => `${amount} ${amount === 1 ? one : many}`;

const shown = 5;
const some = (names: readonly string[]): string =>
  names.length <= shown ? names.join(', ') : `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`;
