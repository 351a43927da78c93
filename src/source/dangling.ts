import type { DesiredNetwork } from '../model/desired.ts';
import type { CandidatesOf } from './candidates.ts';
import type { Problem } from './problem.ts';
import { didYouMean } from './suggest.ts';

/** What can be referred to. */
export interface DeclaredNames {
  readonly pods: ReadonlySet<string>;
  readonly namespaces: ReadonlySet<string>;
  readonly quotas: ReadonlySet<string>;
  readonly workloads: ReadonlySet<string>;
  /** Pod → kinds of engines that its nodes have; empty where a node's document is wrong, so that nothing is concluded. */
  readonly enginesOfPod: ReadonlyMap<string, ReadonlySet<string>>;
  /** By name; undefined where the document is wrong. */
  readonly networks: ReadonlyMap<string, DesiredNetwork | undefined>;
  /** None where a node's document is wrong, as above. */
  readonly candidatesOf: CandidatesOf;
}

/** A reference that leads nowhere. */
interface Dangling {
  readonly document: Problem['document'];
  readonly pointer: string;
  readonly name: string;
}

/** A pod that is named and not declared. */
export function unknownPod({
  document,
  pointer,
  name,
  pods,
}: Dangling & { readonly pods: ReadonlySet<string> }): Problem {
  const hint =
    pods.size === 0 ? { hint: `declare it: {kind: Pod, metadata: {name: ${name}}}` } : didYouMean(name, pods);
  return {
    document,
    code: 'MUS1304',
    pointer,
    message: `there is no pod ${name}`,
    found: name,
    allowed: some(pods),
    ...hint,
  };
}

/** A namespace that is used and not declared, where some are. */
export function unknownNamespace({
  document,
  pointer,
  name,
  namespaces,
}: Dangling & { readonly namespaces: ReadonlySet<string> }): Problem {
  const near = didYouMean(name, namespaces);
  const hint = near.hint ?? 'once one namespace is declared, all are: declare it as well';
  return {
    document,
    code: 'MUS1305',
    pointer,
    message: `the namespace ${name} is not declared`,
    found: name,
    allowed: some(namespaces),
    hint,
  };
}

/** A workload that is referred to and not declared. `name` is as written, `id` with its namespace. */
export function unknownWorkload({
  document,
  pointer,
  name,
  id,
  workloads,
}: Dangling & { readonly id: string; readonly workloads: ReadonlySet<string> }): Problem {
  const message = `there is no workload ${id}`;
  return { document, code: 'MUS1306', pointer, message, found: name, ...didYouMean(id, workloads) };
}

/** The most names that a message lists. */
const maxListed = 12;

/** The names, sorted; only the first of many. */
export function some(names: Iterable<string>): readonly string[] {
  const sorted = [...names].sort();
  return sorted.length <= maxListed
    ? sorted
    : [...sorted.slice(0, maxListed), `… and ${sorted.length - maxListed} more`];
}
