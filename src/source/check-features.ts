import type { DesiredNode, DesiredWorkload } from '../model/desired.ts';
import { type InstanceFeatures, instanceFeatures, type Unsupported, unsupportedBy } from '../model/engine-features.ts';
import type { Declared } from './normalise.ts';
import type { Problem } from './problem.ts';
import type { Workload } from './schema-types.generated.ts';

const known: Readonly<Record<string, InstanceFeatures>> = instanceFeatures;

/** What a workload asks of its engine that it cannot do: said here, and never found out while something is changed. */
export function checkFeatures({ item, document }: Declared<DesiredWorkload>): readonly Problem[] {
  const { revision } = item;
  const features = known[revision.engine];
  if (features === undefined) return [];
  const { spec } = document.value as unknown as Workload;
  return unsupportedBy(revision, features).map((unsupported): Problem => {
    const others = Object.entries(known).filter(([, other]) => unsupportedBy(revision, other).length === 0);
    const schemes = features.networkVolumes.map((scheme) => `${scheme}://`).join(', ');
    const engine = others.map(([kind]) => `\`engine: ${kind}\``).join(' or ');
    const instead = schemes === '' ? 'leave it out' : `over the network it mounts ${schemes} alone`;
    return {
      document,
      code: 'MUS1313',
      pointer: pointerOf(unsupported, spec),
      message: `the ${revision.engine} engine cannot ${unsupported.what}`,
      hint: engine === '' ? instead : `use ${engine}, or leave it out`,
    };
  });
}

function pointerOf({ field }: Unsupported, { volumes = [] }: Workload['spec']): string {
  switch (field) {
    case 'cpu':
      return '/spec/cpu/bind';
    case 'numa':
      return '/spec/cpu/numa';
    case 'devices':
      return '/spec/resources';
    case 'network':
      return '/spec/network/name';
    case 'files':
      return '/spec/files';
    default: {
      if ('variable' in field) return `/spec/env/${field.variable}`;
      const index = volumes.findIndex(({ name }) => name === field.volume);
      const hasSource = field.key === 'source' && volumes[index]?.source !== undefined;
      return `/spec/volumes/${index}${hasSource ? '/source' : '/name'}`;
    }
  }
}

/** What a node declares that its docker could not tell apart, or not use as declared. */
export function checkNodeFeatures({ item, document }: Declared<DesiredNode>): readonly Problem[] {
  if (item.engines.docker === undefined) return [];
  const capacity = `${document.kind === 'NodeSet' ? '/spec/template' : '/spec'}/capacity`;
  const models = Object.keys(item.capacity).filter((kind) => kind.startsWith('gpu/'));
  if (models.length < 2) return [];
  return [
    {
      document,
      code: 'MUS1320',
      pointer: `${capacity}/extended`,
      message: `${item.name} has GPUs of ${models.length} models, and docker knows GPUs by their number alone: nobody could say which model a number is`,
      found: models.sort().join(', '),
      hint: 'declare them under one name (gpu/any: 4)',
    },
  ];
}
