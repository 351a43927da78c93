import type { SourceDocument } from './document.ts';
import type { Declarations } from './normalise.ts';
import type { Problem } from './problem.ts';

/** Nothing is declared twice: no document, and no node by a NodeSet and a Node. */
export function checkUnique(declarations: Declarations, documents: readonly SourceDocument[]): readonly Problem[] {
  return [...duplicateDocuments(documents), ...duplicateNodes(declarations), ...manyClusters(documents)];
}

function duplicateDocuments(documents: readonly SourceDocument[]): readonly Problem[] {
  const named = documents.filter(({ kind, name }) => kind !== 'Cluster' && name !== '');
  const keyOf = ({ kind, namespace, name }: SourceDocument): string =>
    kind === 'Workload' ? `Workload ${namespace}/${name}` : `${kind} ${name}`;
  return groupsOfSeveral(named, keyOf).flatMap(([key, group]) => {
    const [first, ...others] = inPlaceOrder(group);
    if (first === undefined) return [];
    return others.map((document) => duplicate(document, first, `${key} is declared twice`));
  });
}

/** The items that share their key with others; nothing is sorted or kept for all the rest. */
function groupsOfSeveral<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
): readonly (readonly [string, readonly T[]])[] {
  const counts = new Map<string, number>();
  for (const item of items) {
    const key = keyOf(item);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  if (counts.size === items.length) return [];
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (counts.get(key) === 1) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups];
}

function duplicateNodes({ nodes }: Declarations): readonly Problem[] {
  const first = new Map<string, SourceDocument>();
  const problems: Problem[] = [];
  const reported = new Set<string>();
  const several = groupsOfSeveral(nodes, ({ item }) => item.name).flatMap(([, group]) => group);
  const ordered = several.sort((a, b) => compareText(placeKey(a.document), placeKey(b.document)));
  for (const { item, document } of ordered) {
    const before = first.get(item.name);
    if (before === undefined) {
      first.set(item.name, document);
      continue;
    }
    // Two Nodes of one name are two documents of one name, and two sets usually share many nodes: said once.
    const pair = `${placeKey(document)} ${placeKey(before)}`;
    if ((document.kind === 'Node' && before.kind === 'Node') || reported.has(pair)) continue;
    reported.add(pair);
    problems.push(
      duplicate(
        document,
        before,
        `the node ${item.name} is declared twice (${before.kind} ${before.name}, ${document.kind} ${document.name})`,
      ),
    );
  }
  return problems;
}

function duplicate(document: SourceDocument, before: SourceDocument, message: string): Problem {
  return {
    document,
    code: 'MUS1303',
    pointer: '/metadata/name',
    message,
    hint: 'rename or delete one of them',
    related: { document: before, pointer: '/metadata/name', message: 'first declared here' },
  };
}

function manyClusters(documents: readonly SourceDocument[]): readonly Problem[] {
  const [first, ...others] = inPlaceOrder(documents.filter(({ kind }) => kind === 'Cluster'));
  return others.map((document) => ({
    document,
    code: 'MUS1302',
    pointer: '/kind',
    message: 'there are two Cluster documents; a config repo has one',
    hint: 'clusters that share files include a common folder (Cluster.spec.include), each from a folder of its own',
    ...(first !== undefined && {
      related: { document: first, pointer: '/kind', message: 'the first Cluster' },
    }),
  }));
}

const placeKey = ({ file, index }: SourceDocument): string => `${file}\n${String(index).padStart(6, '0')}`;

const inPlaceOrder = (documents: readonly SourceDocument[]): readonly SourceDocument[] =>
  [...documents].sort((a, b) => compareText(placeKey(a), placeKey(b)));

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
