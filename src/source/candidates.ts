import type { DesiredNode, DesiredWorkload, Domain } from '../model/desired.ts';

/** The nodes that may run a workload for all that the documents say: life cycles and room are the planner's. */
export interface Candidates {
  readonly nodes: readonly DesiredNode[];
  /** The failure domains that they are in; a node that names none is in none. */
  readonly domains: Readonly<Record<Domain, ReadonlySet<string>>>;
  /** Devices that volumes can be on. */
  readonly devices: ReadonlySet<string>;
}

export type CandidatesOf = (workload: DesiredWorkload) => Candidates;

/** Looked up once for all workloads that ask for the same: there may be thousands of both. */
export function openCandidates(nodes: readonly DesiredNode[]): CandidatesOf {
  const known = new Map<string, Candidates>();
  return (workload) => {
    const { pods, require, tolerate } = workload.placement;
    const key = JSON.stringify([workload.revision.engine, pods, require, tolerate]);
    const found = known.get(key) ?? candidates(nodes.filter((node) => mayRun(node, workload)));
    known.set(key, found);
    return found;
  };
}

function mayRun(node: DesiredNode, { revision, placement }: DesiredWorkload): boolean {
  const { pods, require, tolerate } = placement;
  return (
    (pods.length === 0 || pods.includes(node.pod)) &&
    node.engines[revision.engine] !== undefined &&
    Object.entries(require).every(([key, value]) => node.labels[key] === value) &&
    node.taints.every(({ key, value }) =>
      tolerate.some((taint) => taint.key === key && (taint.value === undefined || taint.value === value)),
    )
  );
}

function candidates(nodes: readonly DesiredNode[]): Candidates {
  const named = (names: readonly (string | undefined)[]) => new Set(names.filter((name) => name !== undefined));
  return {
    nodes,
    domains: {
      node: named(nodes.map(({ name }) => name)),
      rack: named(nodes.map(({ rack }) => rack)),
      zone: named(nodes.map(({ zone }) => zone)),
    },
    devices: named(nodes.flatMap(({ disks = [] }) => disks.map(({ device }) => device))),
  };
}
