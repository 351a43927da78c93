import type { DesiredCluster, DesiredNetwork, DesiredNode, DesiredQuota, DesiredWorkload } from '../model/desired.ts';
import { openCandidates } from './candidates.ts';
import { checkNodeFeatures } from './check-features.ts';
import { checkNetworks } from './check-network.ts';
import { checkTransactions } from './check-transactions.ts';
import { checkWorkload } from './check-workload.ts';
import { findCycle } from './cycle.ts';
import { type DeclaredNames, some, unknownNamespace, unknownPod } from './dangling.ts';
import type { SourceDocument } from './document.ts';
import type { Declarations, Declared } from './normalise.ts';
import { escapePointer } from './pointer.ts';
import type { Problem } from './problem.ts';
import { didYouMean } from './suggest.ts';

/**
 * What only shows when all documents are seen together: references to nothing, cycles, contradictions. `documents` are
 * all of them: what an invalid one declares is there for those that refer to it.
 */
export function checkAcross(declarations: Declarations, documents: readonly SourceDocument[]): readonly Problem[] {
  const names = declaredNames(declarations, documents);
  return [
    ...declarations.nodes.flatMap(perDocument((node) => nodePod(node, names))),
    ...declarations.nodes.flatMap(perDocument(checkNodeFeatures)),
    ...processRoots(declarations.nodes),
    ...declarations.clusters.flatMap((cluster) => limitedPods(cluster, names)),
    ...declarations.quotas.flatMap((quota) => quotaScope(quota, names)),
    ...quotaParents(declarations.quotas, names),
    ...declarations.workloads.flatMap((workload) => checkWorkload(workload, names)),
    ...checkNetworks(declarations.workloads, names),
    ...checkTransactions(declarations.workloads),
    ...removedButDeclared(declarations),
  ];
}

function declaredNames({ nodes, networks }: Declarations, documents: readonly SourceDocument[]): DeclaredNames {
  const namesOf = (kind: string) =>
    new Set(documents.filter((document) => document.kind === kind).map(({ name }) => name));
  const valid = new Set(nodes.map(({ document }) => document));
  const isBroken = documents.some(
    (document) => (document.kind === 'Node' || document.kind === 'NodeSet') && !valid.has(document),
  );
  const enginesOfPod = new Map<string, Set<string>>();
  for (const { item } of nodes) {
    const kinds = enginesOfPod.get(item.pod) ?? new Set<string>();
    for (const kind of Object.keys(item.engines)) kinds.add(kind);
    enginesOfPod.set(item.pod, kinds);
  }
  return {
    pods: namesOf('Pod'),
    namespaces: namesOf('Namespace'),
    quotas: namesOf('Quota'),
    workloads: new Set(
      documents.filter(({ kind }) => kind === 'Workload').map(({ namespace, name }) => `${namespace}/${name}`),
    ),
    enginesOfPod: isBroken ? new Map() : enginesOfPod,
    networks: new Map<string, DesiredNetwork | undefined>([
      ...[...namesOf('Network')].map((name) => [name, undefined] as const),
      ...networks.map(({ item }) => [item.name, item] as const),
    ]),
    candidatesOf: openCandidates(isBroken ? [] : nodes.map(({ item }) => item)),
  };
}

/** A NodeSet's nodes share their document: what is wrong with it is said once. */
function perDocument(
  check: (node: Declared<DesiredNode>) => readonly Problem[],
): (node: Declared<DesiredNode>) => readonly Problem[] {
  const seen = new Set<unknown>();
  return (node) => {
    if (seen.has(node.document)) return [];
    seen.add(node.document);
    return check(node);
  };
}

function nodePod({ item, document }: Declared<DesiredNode>, { pods }: DeclaredNames): readonly Problem[] {
  const pointer = document.kind === 'NodeSet' ? '/spec/template/pod' : '/spec/pod';
  return pods.has(item.pod) ? [] : [unknownPod({ document, pointer, name: item.pod, pods })];
}

/** A limit of a node may outlive the node, as nodes come and go by the thousand; pods are few. */
function limitedPods({ item, document }: Declared<DesiredCluster>, { pods }: DeclaredNames): readonly Problem[] {
  return Object.keys(item.apply.limits ?? {}).flatMap((key) => {
    const name = key.startsWith('pod/') ? key.slice('pod/'.length) : undefined;
    const pointer = `/spec/apply/limits/${escapePointer(key)}`;
    return name === undefined || pods.has(name) ? [] : [unknownPod({ document, pointer, name, pods })];
  });
}

/** Two process nodes in one directory would take each other's processes for their own. */
function processRoots(nodes: readonly Declared<DesiredNode>[]): readonly Problem[] {
  const first = new Map<string, Declared<DesiredNode>>();
  const problems: Problem[] = [];
  for (const node of [...nodes].sort((a, b) => (a.item.name < b.item.name ? -1 : 1))) {
    const root = node.item.engines.process?.root?.replace(/\/+$/, '');
    if (root === undefined) continue;
    const before = first.get(root);
    if (before === undefined) {
      first.set(root, node);
      continue;
    }
    const pointer =
      node.document.kind === 'NodeSet' ? '/spec/template/engines/process/root' : '/spec/engines/process/root';
    problems.push({
      document: node.document,
      code: 'MUS1320',
      pointer,
      message: `the nodes ${before.item.name} and ${node.item.name} have the same process root`,
      found: root,
      hint: 'give every node a directory of its own, for example "nodes/{name}" in a NodeSet',
      ...(before.document !== node.document && {
        related: { document: before.document, pointer, message: 'the other node' },
      }),
    });
    if (before.document === node.document) break;
  }
  return problems;
}

function quotaScope(
  { item, document }: Declared<DesiredQuota>,
  { pods, namespaces }: DeclaredNames,
): readonly Problem[] {
  const problems: Problem[] = [];
  if (item.pod !== undefined && !pods.has(item.pod))
    problems.push(unknownPod({ document, pointer: '/spec/scope/pod', name: item.pod, pods }));
  if (item.namespace !== undefined && namespaces.size > 0 && !namespaces.has(item.namespace)) {
    problems.push(unknownNamespace({ document, pointer: '/spec/scope/namespace', name: item.namespace, namespaces }));
  }
  return problems;
}

function quotaParents(quotas: readonly Declared<DesiredQuota>[], names: DeclaredNames): readonly Problem[] {
  const byName = new Map(quotas.map((quota) => [quota.item.name, quota]));
  const pointer = '/spec/parent';
  const problems: Problem[] = [];
  for (const { item, document } of quotas) {
    const { parent } = item;
    if (parent === undefined || names.quotas.has(parent)) continue;
    problems.push({
      document,
      code: 'MUS1308',
      pointer,
      message: `there is no quota ${parent}`,
      found: parent,
      allowed: some(names.quotas),
      ...didYouMean(parent, names.quotas),
    });
  }
  const parentsOf = (name: string) => [byName.get(name)?.item.parent].filter((parent) => parent !== undefined);
  for (const cycle of findCycle([...byName.keys()].sort(), parentsOf)) {
    const start = byName.get(cycle[0] ?? '');
    if (start === undefined) continue;
    const message = `quotas are each other’s parents: ${[...cycle, cycle[0]].join(' → ')}`;
    problems.push({ document: start.document, code: 'MUS1309', pointer, message, hint: 'remove one of these parents' });
  }
  return problems;
}

function removedButDeclared({ refactors, workloads: declared }: Declarations): readonly Problem[] {
  const byId = new Map<string, Declared<DesiredWorkload>>(declared.map((workload) => [workload.item.id, workload]));
  return refactors.flatMap(({ item, document }) =>
    item.removed.flatMap(({ from }, index) => {
      const workload = byId.get(from);
      if (workload === undefined) return [];
      return [
        {
          document,
          code: 'MUS1318',
          pointer: `/spec/removed/${index}/from`,
          message: `${from} is named as removed and is still declared`,
          found: from,
          hint: 'delete the workload’s document, or this line',
          related: { document: workload.document, pointer: '/metadata/name', message: 'declared here' },
        },
      ];
    }),
  );
}
