import type { DesiredNode, DesiredWorkload } from '../model/desired.ts';
import { canonicalJson, sha256Hex } from '../model/hash.ts';
import type { EngineKind, NodeName, WorkloadId } from '../model/ids.ts';
import type { PlanBasis } from '../model/plan.ts';
import type { ClusterNode } from './cluster.ts';
import type { Context } from './context.ts';
import { type PlanInputs, workloadsById } from './inputs.ts';
import type { UnitDraft } from './units.ts';

/** The world that a plan was made for, as far as it touches it: what has to be the same when it is applied. */
export function basisOf({ inputs }: Context, units: readonly UnitDraft[]): PlanBasis {
  const touched = new Map<ClusterNode, Set<EngineKind>>();
  const touch = (node: ClusterNode, engine: EngineKind): void => {
    const engines = touched.get(node);
    if (engines === undefined) touched.set(node, new Set([engine]));
    else engines.add(engine);
  };
  for (const { waves } of units) {
    for (const { drafts } of waves) {
      for (const { node, action, old } of drafts) {
        touch(node, action.engine);
        if (old !== undefined) touch(old.node, old.allocation.engine);
      }
    }
  }
  const inOrder = [...touched].sort(([a], [b]) => a.index - b.index);
  const workloads = workloadsById(inputs.desired);
  const definitions = digestsOf({
    workloads: units.flatMap(({ workload }) => workloads.get(workload) ?? []),
    nodes: inOrder.flatMap(([{ definition }]) => definition ?? []),
  });
  const engines = inOrder.flatMap(([{ name, observed }, kinds]) =>
    [...kinds].sort().flatMap((kind) => {
      const engine = observed?.engines[kind];
      return engine?.kind === 'reachable' ? [[`${name}/${kind}`, engine.fingerprint] as const] : [];
    }),
  );
  return {
    commits: inputs.desired.commits,
    storeRevision: inputs.recorded.storeRevision,
    engines: Object.fromEntries(engines),
    ...definitions,
  };
}

/** Hashes of the definitions that a plan touches, by name; what git does not declare has none. */
export function definitionsOf(
  { desired }: Pick<PlanInputs, 'desired'>,
  touched: { readonly workloads: readonly WorkloadId[]; readonly nodes: readonly NodeName[] },
): Pick<PlanBasis, 'workloads' | 'nodes'> {
  const workloads = workloadsById(desired);
  const names = new Set(touched.nodes);
  return digestsOf({
    workloads: touched.workloads.flatMap((id) => workloads.get(id) ?? []),
    // Asked for each unit in flight, and then of no node at all.
    nodes: names.size === 0 ? [] : desired.nodes.filter(({ name }) => names.has(name)),
  });
}

function digestsOf(definitions: {
  readonly workloads: readonly DesiredWorkload[];
  readonly nodes: readonly DesiredNode[];
}): Pick<PlanBasis, 'workloads' | 'nodes'> {
  const textOf = createTexts();
  return {
    // Where it is declared is no part of what it is.
    workloads: Object.fromEntries(definitions.workloads.map((one) => [one.id, digestOf(one, workloadText)])),
    nodes: Object.fromEntries(definitions.nodes.map((one) => [one.name, digestOf(one, textOf)])),
  };
}

const workloadText = (definition: object): string => canonicalJson({ ...definition, declaredAt: '' });

/** Definitions do not change, and most of them are the same from one plan to the next. */
const digests = new WeakMap<object, string>();

function digestOf<Definition extends object>(
  definition: Definition,
  textOf: (definition: Definition) => string,
): string {
  let digest = digests.get(definition);
  if (digest === undefined) {
    digest = sha256Hex(textOf(definition)).slice(0, 16);
    digests.set(definition, digest);
  }
  return digest;
}

/**
 * Canonical JSON of definitions of which neighbours share parts: nodes of one set have the same labels and capacity, and
 * come one after the other.
 */
function createTexts(): (definition: object) => string {
  const last = new Map<string, { readonly part: object; readonly text: string }>();
  const partText = (key: string, part: unknown): string => {
    if (typeof part !== 'object' || part === null) return canonicalJson(part);
    const known = last.get(key);
    if (known?.part === part) return known.text;
    const text = canonicalJson(part);
    last.set(key, { part, text });
    return text;
  };
  return (definition) =>
    Object.entries(definition)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => `${key}:${partText(key, part)}`)
      .join(',');
}
