import type { DesiredNode, DesiredWorkload } from '../../model/desired.ts';
import type { EngineKind, NodeName } from '../../model/ids.ts';
import { definitionAt, observedAt } from './base.ts';
import { type Asked, whyNotOffered } from './offers.ts';
import type { Report } from './violation.ts';
import type { Check, World } from './world.ts';

/** Which nodes may have new instances of the workloads with one set of placement rules, asked once for each node. */
interface Ruleset {
  readonly workload: DesiredWorkload;
  readonly asked: Asked;
  /** By node: 0 not asked yet, 1 yes, 2 no. */
  readonly answers: Uint8Array;
  /** The same for what is made anew where it was. */
  readonly stays: Uint8Array;
}

export type RulesetOf = (workload: DesiredWorkload, asked: Asked) => Ruleset;

/** Workloads with the same rules share their answers. */
export function createRulesets({ base }: World): RulesetOf {
  const known = new Map<string, Ruleset>();
  return (workload, asked) => {
    const { pods, require, tolerate } = workload.placement;
    const { engine, options, limits } = asked;
    const capped = Object.values(limits ?? {}).map((limit) => limit !== 'unlimited');
    const key = JSON.stringify([engine, options, capped, pods, require, tolerate]);
    let ruleset = known.get(key);
    if (ruleset === undefined) {
      const nodes = base.nodes.names.length;
      ruleset = { workload, asked, answers: new Uint8Array(nodes), stays: new Uint8Array(nodes) };
      known.set(key, ruleset);
    }
    return ruleset;
  };
}

/** Whether instances may be made on a node: new ones, or such as are there. */
export function accepts(
  world: World,
  ruleset: Ruleset,
  { node, stays }: { readonly node: number; readonly stays: boolean },
): boolean {
  const answers = stays ? ruleset.stays : ruleset.answers;
  if (answers[node] === 0) {
    const { workload, asked } = ruleset;
    answers[node] = whyNot(world, { workload, asked, node, stays, waits: false }) === undefined ? 1 : 2;
  }
  return answers[node] === 1;
}

/** Whatever is made is made on a node that may have it: declared, online, seen alive, of the right pod, labels and taints. */
export function eligibilityCheck(world: World, rulesetOf: RulesetOf, report: Report): Check {
  const waiting = new Set(world.plan.goals.flatMap(({ blocked }) => blocked.map(({ instance }) => instance)));
  return {
    unit: ({ workload, items }) => {
      let ruleset: Ruleset | undefined;
      let askedBefore: Asked | undefined;
      for (const { step, shape, node, facts } of items) {
        if (!shape.makes) continue;
        const { options, limits } = facts?.revision ?? {};
        const asked = {
          engine: step.engine,
          ...(options !== undefined && { options }),
          ...(limits !== undefined && { limits }),
        };
        const stays = step.replaces?.node === step.node;
        if (workload !== undefined) {
          // Its ruleset may be another workload's, made from an equal body: what is compared is what was asked last.
          if (ruleset === undefined || !asksForSame(askedBefore, asked)) ruleset = rulesetOf(workload, asked);
          askedBefore = asked;
          if (node >= 0 && accepts(world, ruleset, { node, stays })) continue;
        }
        const candidate = { asked, node, stays, waits: waiting.has(step.instance) };
        const reason =
          workload === undefined ? 'git does not declare the workload' : whyNot(world, { workload, ...candidate });
        if (reason === undefined) continue;
        report('eligible', step.id, `${step.instance} may not be made on ${step.node}: ${reason}`);
      }
    },
  };
}

const asksForSame = (a: Asked | undefined, b: Asked): boolean =>
  a?.engine === b.engine && a.options === b.options && a.limits === b.limits;

interface Candidate {
  readonly workload: DesiredWorkload;
  readonly asked: Asked;
  readonly node: number;
  /** Made anew where it was: allowed on a node that takes nothing new, as long as it is not being emptied. */
  readonly stays: boolean;
  /** It cannot leave yet a node that is to be emptied, and the plan says why: until then it is healed there. */
  readonly waits: boolean;
}

function whyNot(world: World, candidate: Candidate): string | undefined {
  const { workload, asked, node } = candidate;
  const definition = definitionAt(world.base, node);
  if (definition === undefined) return 'git does not declare it';
  return (
    whyNotOnNode(world, definition, candidate) ??
    whyNoEngine(world, { definition, node, engine: asked.engine }) ??
    whyNotOffered(observedAt(world.base, node), asked) ??
    whyNotForWorkload(definition, workload) ??
    whyTainted(definition, workload)
  );
}

function whyNotOnNode(
  { cordoned }: World,
  { lifecycle, name }: DesiredNode,
  { stays, waits }: Candidate,
): string | undefined {
  const emptied = lifecycle === 'maintenance' || lifecycle === 'offline';
  const mayStay = stays && (waits || !emptied);
  if (lifecycle !== 'online' && !mayStay) return `it is ${lifecycle}`;
  return !stays && cordoned.has(name as NodeName) ? 'it is cordoned' : undefined;
}

function whyNoEngine(
  { base }: World,
  of: { readonly definition: DesiredNode; readonly node: number; readonly engine: EngineKind },
): string | undefined {
  const { definition, node, engine } = of;
  if (definition.engines[engine] === undefined) return `it has no ${engine} engine`;
  // A declared node that nobody looked at is taken as it is declared: alive.
  const observed = observedAt(base, node);
  if (observed !== undefined && observed.liveness !== 'alive') return `it is ${observed.liveness}`;
  const seen = observed?.engines[engine];
  return seen?.kind === 'unreachable' ? `its ${engine} engine does not answer: ${seen.reason}` : undefined;
}

/** Why a workload has no business on a node, whatever the node's state. */
export function whyNotForWorkload(node: DesiredNode, { placement }: DesiredWorkload): string | undefined {
  if (placement.pods.length > 0 && !placement.pods.includes(node.pod)) return `it is in pod ${node.pod}`;
  for (const label in placement.require) {
    const value = placement.require[label];
    if (node.labels[label] !== value) return `its label ${label} is ${node.labels[label] ?? 'not set'}, not ${value}`;
  }
  return undefined;
}

/** A taint keeps new instances away; what runs there stays. */
function whyTainted(node: DesiredNode, { placement }: DesiredWorkload): string | undefined {
  const taint = node.taints.find(
    ({ key, value }) => !placement.tolerate.some((t) => t.key === key && (t.value === undefined || t.value === value)),
  );
  return taint === undefined ? undefined : `taint ${taint.key}=${taint.value} is not tolerated`;
}
