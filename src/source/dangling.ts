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

/** The most names that a message lists. */
const maxListed = 12;

/** The names, sorted; only the first of many. */
export function some(names: Iterable<string>): readonly string[] {
  const sorted = [...names].sort();
  return sorted.length <= maxListed
    ? sorted
    : [...sorted.slice(0, maxListed), `… and ${sorted.length - maxListed} more`];
}
