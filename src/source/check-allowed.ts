import type { SourceDocument } from './document.ts';
import { matchesPattern } from './pattern.ts';
import type { Problem } from './problem.ts';
import type { Cluster, Refactor } from './schema-types.generated.ts';
import { kinds } from './validate.ts';

type SourceSpec = NonNullable<Cluster['spec']['sources']>[number];

/** Every source declares only what the Cluster document lets it (`sources[].allow`). */
export function checkAllowed(
  documents: readonly SourceDocument[],
  cluster: SourceDocument | undefined,
): readonly Problem[] {
  const spec = (cluster?.value as unknown as Cluster | undefined)?.spec;
  const sources = new Map<string, SourceSpec>(
    Array.isArray(spec?.sources) ? spec.sources.map((source) => [source.name, source]) : [],
  );
  return documents.flatMap((document) => {
    const allow = sources.get(document.source)?.allow;
    if (allow === undefined || document === cluster) return [];
    return violations(document, allow);
  });
}

function violations(document: SourceDocument, allow: NonNullable<SourceSpec['allow']>): readonly Problem[] {
  const { source, kind } = document;
  const allowedKinds: readonly string[] =
    allow.kinds ?? (allow.namespaces === undefined ? kinds : ['Workload', 'Refactor']);
  const refused = {
    document,
    code: 'MUS1319',
    hint: `Cluster.spec.sources decides what ${source} may declare`,
  } as const;
  if (!allowedKinds.includes(kind)) {
    const message = `the source ${source} may not declare a ${kind}`;
    return [{ ...refused, pointer: '/kind', message, found: kind, allowed: allowedKinds }];
  }
  const { namespaces } = allow;
  if (namespaces === undefined) return [];
  return namespacesOf(document)
    .filter(({ namespace }) => !namespaces.some((pattern) => matchesPattern(namespace, pattern)))
    .map(({ namespace, pointer }) => ({
      ...refused,
      pointer,
      message: `the source ${source} may not declare anything in namespace ${namespace}`,
      found: namespace,
      allowed: namespaces,
    }));
}

/** The namespaces that a document decides about, and where it names them. */
function namespacesOf(document: SourceDocument): readonly { readonly namespace: string; readonly pointer: string }[] {
  if (document.kind === 'Workload')
    return [{ namespace: document.namespace ?? 'default', pointer: '/metadata/namespace' }];
  if (document.kind !== 'Refactor') return [];
  const { removed = [] } = (document.value as unknown as Refactor).spec;
  return removed.map(({ from }, index) => ({
    namespace: from.includes('/') ? (from.split('/')[0] ?? '') : 'default',
    pointer: `/spec/removed/${index}/from`,
  }));
}
