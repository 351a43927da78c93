import type { DesiredWorkload } from '../model/desired.ts';
import { checkDocker } from './check-docker.ts';
import { checkFeatures } from './check-features.ts';
import { checkFiles } from './check-files.ts';
import { checkPlacement } from './check-placement.ts';
import { type DeclaredNames, unknownNamespace, unknownPod, unknownWorkload } from './dangling.ts';
import type { Declared } from './normalise.ts';
import type { Problem } from './problem.ts';
import { workloadIdOf } from './reading.ts';
import type { Workload } from './schema-types.generated.ts';

export function checkWorkload(workload: Declared<DesiredWorkload>, names: DeclaredNames): readonly Problem[] {
  return [
    ...references(workload, names),
    ...engineFields(workload),
    ...checkFeatures(workload),
    ...checkDocker(workload),
    ...checkFiles(workload),
    ...engineOnNodes(workload, names),
    ...ports(workload),
    ...checkPlacement(workload, names),
  ];
}

function references({ item, document }: Declared<DesiredWorkload>, names: DeclaredNames): readonly Problem[] {
  const { pods, namespaces, workloads } = names;
  const problems: Problem[] = [];
  if (namespaces.size > 0 && !namespaces.has(item.namespace)) {
    problems.push(unknownNamespace({ document, pointer: '/metadata/namespace', name: item.namespace, namespaces }));
  }
  const spec = specOf(document);
  for (const [index, name] of (spec.placement?.pods ?? []).entries()) {
    if (!pods.has(name)) problems.push(unknownPod({ document, pointer: `/spec/placement/pods/${index}`, name, pods }));
  }
  for (const [index, reference] of (spec.after ?? []).entries()) {
    const id = workloadIdOf(reference, item.namespace);
    if (workloads.has(id)) continue;
    problems.push(unknownWorkload({ document, pointer: `/spec/after/${index}`, name: reference, id, workloads }));
  }
  return problems;
}

/** What an engine cannot do without, and what belongs to another one. */
function engineFields({ item, document }: Declared<DesiredWorkload>): readonly Problem[] {
  const spec = specOf(document);
  const { engine } = item.revision;
  const foreign = ownBlocks.filter((key) => key !== engine && spec[key] !== undefined);
  const needs = (message: string, hint: string): Problem => ({
    document,
    code: 'MUS1313',
    pointer: '/spec',
    target: 'key',
    message,
    hint,
  });
  const problems: Problem[] = [];
  if (engine === 'docker') {
    if (spec.image === undefined)
      problems.push(needs('a docker workload needs an image', 'add image, or `engine: process` for a local program'));
  } else {
    if ((spec.command ?? []).length === 0)
      problems.push(needs(`a ${engine} workload needs a command`, 'add command: [PROGRAM]'));
    if (spec.image !== undefined) problems.push(foreignBlock(document, 'image', engine));
  }
  return [...problems, ...foreign.map((key) => foreignBlock(document, key, engine))];
}

/** Blocks that only one engine has. */
const ownBlocks = ['docker', 'process', 'systemd'] as const;

const foreignBlock = (document: Problem['document'], key: string, engine: string): Problem => ({
  document,
  code: 'MUS1313',
  pointer: `/spec/${key}`,
  target: 'key',
  message: `${key} means nothing to a workload of the ${engine} engine`,
  hint:
    key === 'image' || key === 'docker' ? 'use `engine: docker`, or remove it' : `use \`engine: ${key}\`, or remove it`,
});

function engineOnNodes(
  { item, document }: Declared<DesiredWorkload>,
  { pods, enginesOfPod }: DeclaredNames,
): readonly Problem[] {
  const { engine } = item.revision;
  const wanted: readonly string[] = item.placement.pods.length > 0 ? item.placement.pods : [...pods];
  // A pod that is missing or empty is another mistake, or capacity that is still to come.
  const withNodes = wanted.filter((pod) => enginesOfPod.has(pod));
  if (withNodes.length === 0 || withNodes.some((pod) => enginesOfPod.get(pod)?.has(engine) === true)) return [];
  const has = [...new Set(withNodes.flatMap((pod) => [...(enginesOfPod.get(pod) ?? [])]))].sort();
  return [
    {
      document,
      code: 'MUS1312',
      pointer: specOf(document).engine === undefined ? '/spec' : '/spec/engine',
      ...(specOf(document).engine === undefined && { target: 'key' as const }),
      message: `no node of ${withNodes.length === 1 ? `the pod ${withNodes[0]}` : 'its pods'} has the engine ${engine}`,
      found: specOf(document).engine === undefined ? `${engine} (the default)` : engine,
      allowed: has,
      hint: `set spec.engine to ${has.join(' or ')}, or place it in another pod`,
    },
  ];
}

function ports({ item, document }: Declared<DesiredWorkload>): readonly Problem[] {
  const declared = specOf(document).ports ?? [];
  const problems: Problem[] = [];
  const clash = (index: number, before: number, what: string) => {
    const related = { document, pointer: `/spec/ports/${before}`, message: 'the first one' };
    problems.push({
      document,
      code: 'MUS1311',
      pointer: `/spec/ports/${index}`,
      message: `two ports have the same ${what}`,
      related,
    });
  };
  const keyOf = {
    name: ({ name }: (typeof declared)[number]) => name,
    number: ({ port, protocol = 'tcp' }: (typeof declared)[number]) => `${port}/${protocol}`,
    'published port': ({ publish, protocol = 'tcp' }: (typeof declared)[number]) =>
      typeof publish === 'number' ? `${publish}/${protocol}` : undefined,
  };
  for (const [what, key] of Object.entries(keyOf)) {
    const first = new Map<string, number>();
    for (const [index, port] of declared.entries()) {
      const value = key(port);
      if (value === undefined) continue;
      const before = first.get(value);
      if (before === undefined) first.set(value, index);
      else clash(index, before, `${what}: ${value}`);
    }
  }
  if (item.placement.perNode !== undefined && item.placement.perNode > 1) {
    for (const [index, port] of declared.entries()) {
      if (typeof port.publish !== 'number') continue;
      const message = `port ${port.publish} can be published once on a node, and placement.perNode asks for ${item.placement.perNode}`;
      problems.push({
        document,
        code: 'MUS1311',
        pointer: `/spec/ports/${index}/publish`,
        message,
        hint: 'use `publish: auto`',
      });
    }
  }
  return problems;
}

const specOf = (document: Problem['document']): Workload['spec'] => (document.value as unknown as Workload).spec;
