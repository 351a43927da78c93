import type { AllocationId, NodeName, UnitId } from '../../model/ids.ts';
import { allocationId } from '../../model/ids.ts';
import type { Step } from '../../model/plan.ts';
import type { Holds } from '../../model/recorded.ts';
import type { Report } from './violation.ts';
import { predecessorOf, revisionOf, type World } from './world.ts';

/** One holder of a port or an address, from when to when. */
interface Holder {
  readonly by: AllocationId | 'foreign';
  readonly what: string;
  readonly unit?: UnitId;
  /** The wave of `unit` in which it goes; later waves of the same unit may use what it had. */
  goesInWave?: number;
}

/** Two allocations never hold the same host port of a machine or the same address, in any state of the plan. */
export function checkUniqueness(world: World, report: Report): void {
  const domainOf = createDomains(world);
  const holders = new Map<string, Holder[]>();
  const hold = (key: string, holder: Holder): void => {
    const list = holders.get(key);
    if (list === undefined) holders.set(key, [holder]);
    else list.push(holder);
  };
  for (const allocation of world.inputs.recorded.allocations) {
    const domain = domainOf.get(allocation.node);
    if (domain === undefined && allocation.holds.ip === undefined) continue;
    for (const key of keysOf(world, domain ?? allocation.node, allocation)) {
      // What was stopped for good has given its ports back, but not its address.
      if (allocation.state === 'held' && !key.startsWith('ip ')) continue;
      hold(key, {
        by: allocation.id,
        what: `${allocation.id} on ${allocation.node}`,
        unit: allocation.workload as string as UnitId,
      });
    }
  }
  for (const [name, domain] of domainOf) {
    for (const foreign of world.inputs.observed.nodes.get(name)?.foreign ?? []) {
      for (const port of foreign.ports) {
        for (const protocol of ['tcp', 'udp']) {
          hold(`port ${port}/${protocol} of ${domain}`, {
            by: 'foreign',
            what: `${foreign.name} on ${name}, which is not ours`,
          });
        }
      }
    }
  }
  for (const { unit, waves } of world.units) {
    for (const [wave, { steps }] of waves.entries()) {
      for (const step of steps) takeStep({ world, domainOf, holders, hold, report, unit: unit.id, wave }, step);
      for (const step of steps) leaveStep({ world, domainOf, holders, wave }, step);
    }
  }
}

interface Walk {
  readonly world: World;
  readonly domainOf: ReadonlyMap<NodeName, string>;
  readonly holders: ReadonlyMap<string, Holder[]>;
  readonly wave: number;
}

function takeStep(
  walk: Walk & { readonly hold: (key: string, holder: Holder) => void; readonly report: Report; readonly unit: UnitId },
  step: Step,
): void {
  const { world, domainOf, holders, wave, unit } = walk;
  const shape = world.shapeOf(step);
  if (!shape.makes && !shape.updates) return;
  const self = allocationId(step.instance, step.generation);
  const before = predecessorOf(world, step)?.id;
  for (const key of keysOf(world, domainOf.get(step.node) ?? step.node, step)) {
    for (const holder of holders.get(key) ?? []) {
      const freed = holder.unit === unit && holder.goesInWave !== undefined && holder.goesInWave < wave;
      const inherited = holder.by === before && (shape.chained || shape.updates);
      if (freed || inherited || holder.by === self) continue;
      const rule = key.startsWith('ip ') ? 'addresses' : 'ports';
      walk.report(rule, step.id, `${step.instance} takes ${key}, which ${holder.what} has`);
    }
    walk.hold(key, { by: self, what: `${self} on ${step.node}`, unit });
  }
}

/** Marks what a step's predecessor held as free for the waves that follow. */
function leaveStep({ world, domainOf, holders, wave }: Walk, step: Step): void {
  const old = predecessorOf(world, step);
  if (old === undefined || !world.shapeOf(step).ends) return;
  for (const key of keysOf(world, domainOf.get(old.node) ?? old.node, old)) {
    for (const holder of holders.get(key) ?? []) if (holder.by === old.id) holder.goesInWave = wave;
  }
}

/** Port domains of the touched nodes, and every declared node that shares one of them. */
function createDomains({ inputs, touchedNodes }: World): ReadonlyMap<NodeName, string> {
  const { nodes } = inputs.desired;
  const touched = new Set(nodes.filter((node) => touchedNodes.has(node.name)).map((node) => node.portDomain));
  return new Map(nodes.filter((node) => touched.has(node.portDomain)).map((node) => [node.name, node.portDomain]));
}

function keysOf(
  world: World,
  domain: string,
  { holds, ...of }: Pick<Step, 'instance' | 'revision'> & { readonly holds: Holds },
): readonly string[] {
  if (holds.ports === undefined && holds.ip === undefined) return [];
  const revision = revisionOf(world, of);
  const ports = Object.entries(holds.ports ?? {}).map(([name, port]) => {
    const protocol = revision?.ports.find((declared) => declared.name === name)?.protocol ?? 'tcp';
    return `port ${port}/${protocol} of ${domain}`;
  });
  return holds.ip === undefined ? ports : [...ports, `ip ${holds.ip}`];
}
