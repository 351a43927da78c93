import type { SourceDocument } from './document.ts';
import type { Declarations } from './normalise.ts';
import type { Problem } from './problem.ts';

/** Nothing is declared twice: no document, and no node by a NodeSet and a Node. */
export function checkUnique(declarations: Declarations, documents: readonly SourceDocument[]): readonly Problem[] {
  return [...duplicateDocuments(documents), ...duplicateNodes(declarations), ...manyClusters(documents)];
}

function duplicateDocuments(documents: readonly SourceDocument[]): readonly Problem[] {
  const first = new Map<string, SourceDocument>();
  const problems: Problem[] = [];
  for (const document of inPlaceOrder(documents)) {
    const { kind, namespace, name } = document;
    if (kind === 'Cluster' || name === '') continue;
    const shownName = kind === 'Workload' ? `${namespace}/${name}` : name;
    const key = `${kind} ${shownName}`;
    const before = first.get(key);
    if (before === undefined) first.set(key, document);
    else problems.push(duplicate(document, before, `${key} is declared twice`));
  }
  return problems;
}

function duplicateNodes({ nodes }: Declarations): readonly Problem[] {
  const first = new Map<string, SourceDocument>();
  const problems: Problem[] = [];
  const reported = new Set<string>();
  const ordered = [...nodes].sort((a, b) => compareText(placeKey(a.document), placeKey(b.document)));
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
