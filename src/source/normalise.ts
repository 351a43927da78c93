import type {
  DesiredCluster,
  DesiredNetwork,
  DesiredNode,
  DesiredPod,
  DesiredPolicy,
  DesiredQuota,
  DesiredRefactor,
  DesiredWorkload,
} from '../model/desired.ts';
import { podName } from '../model/ids.ts';
import type { SourceDocument } from './document.ts';
import { toNodes } from './nodeset.ts';
import { toCluster } from './normalise-cluster.ts';
import { toNetwork } from './normalise-network.ts';
import { toNode } from './normalise-node.ts';
import { toPolicy } from './normalise-policy.ts';
import { toQuota } from './normalise-quota.ts';
import { toWorkload } from './normalise-workload.ts';
import type { Problem } from './problem.ts';
import { type Reading, workloadIdOf } from './reading.ts';
import type {
  Cluster,
  Network,
  Node,
  NodeSet,
  Pod,
  Policy,
  Quota,
  Refactor,
  Workload,
} from './schema-types.generated.ts';

/** A thing of the desired state and the document that declares it. */
export interface Declared<T> {
  readonly item: T;
  readonly document: SourceDocument;
}

/** Everything that the documents declare, in the order in which they were read: nothing is checked across documents yet. */
export interface Declarations {
  readonly clusters: readonly Declared<DesiredCluster>[];
  readonly policies: readonly Declared<DesiredPolicy>[];
  readonly namespaces: readonly Declared<string>[];
  readonly networks: readonly Declared<DesiredNetwork>[];
  readonly pods: readonly Declared<DesiredPod>[];
  readonly nodes: readonly Declared<DesiredNode>[];
  readonly quotas: readonly Declared<DesiredQuota>[];
  readonly workloads: readonly Declared<DesiredWorkload>[];
  readonly refactors: readonly Declared<DesiredRefactor>[];
}

/**
 * Documents that fit their schemas → the model's shapes: defaults filled in, quantities as integers, NodeSets expanded.
 * Problems are those that one document has by itself; its item is left out then only where it could not be made.
 */
export function normalise(documents: readonly SourceDocument[]): {
  readonly declarations: Declarations;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const declarations = {
    clusters: [] as Declared<DesiredCluster>[],
    policies: [] as Declared<DesiredPolicy>[],
    namespaces: [] as Declared<string>[],
    networks: [] as Declared<DesiredNetwork>[],
    pods: [] as Declared<DesiredPod>[],
    nodes: [] as Declared<DesiredNode>[],
    quotas: [] as Declared<DesiredQuota>[],
    workloads: [] as Declared<DesiredWorkload>[],
    refactors: [] as Declared<DesiredRefactor>[],
  };
  for (const document of documents) {
    const reading: Reading = { document, problems };
    const value: unknown = document.value;
    switch (document.kind) {
      case 'Cluster':
        declarations.clusters.push({ document, item: toCluster(value as Cluster, reading) });
        break;
      case 'Policy':
        declarations.policies.push({ document, item: toPolicy(value as Policy, reading) });
        break;
      case 'Namespace':
        declarations.namespaces.push({ document, item: document.name });
        break;
      case 'Network':
        declarations.networks.push({ document, item: toNetwork(value as Network, reading) });
        break;
      case 'Pod':
        declarations.pods.push({ document, item: toPod(value as Pod) });
        break;
      case 'Node':
        declarations.nodes.push({ document, item: toNode(value as Node, reading) });
        break;
      case 'NodeSet':
        for (const item of toNodes(value as NodeSet, reading)) declarations.nodes.push({ document, item });
        break;
      case 'Quota':
        declarations.quotas.push({ document, item: toQuota(value as Quota, reading) });
        break;
      case 'Workload':
        declarations.workloads.push({ document, item: toWorkload(value as Workload, reading) });
        break;
      case 'Refactor':
        declarations.refactors.push({ document, item: toRefactor(value as Refactor) });
        break;
      default:
        throw new Error(`a document of kind ${document.kind} passed validation`);
    }
  }
  return { declarations, problems };
}

function toPod({ metadata, spec }: Pod): DesiredPod {
  return { name: podName(metadata.name), strategy: spec?.strategy ?? 'auto' };
}

function toRefactor({ metadata, spec }: Refactor): DesiredRefactor {
  const removed = (spec.removed ?? []).map(({ from }) => ({ from: workloadIdOf(from, 'default') }));
  return { name: metadata.name, removed };
}
