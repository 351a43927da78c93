import type { DesiredQuota } from '../model/desired.ts';
import { namespaceName, podName } from '../model/ids.ts';
import { parsePieces } from '../model/units.ts';
import { amounts, extendedOf } from './normalise-resources.ts';
import type { Reading } from './reading.ts';
import type { Quota } from './schema-types.generated.ts';

export function toQuota({ metadata, spec }: Quota, reading: Reading): DesiredQuota {
  const { scope, parent, limits, drainToQuota } = spec;
  return {
    name: metadata.name,
    ...(scope?.namespace !== undefined && { namespace: namespaceName(scope.namespace) }),
    ...(scope?.pod !== undefined && { pod: podName(scope.pod) }),
    ...(parent !== undefined && { parent }),
    limits: {
      ...amounts(limits, { reading, pointer: '/spec/limits' }),
      ...extendedOf(limits, parsePieces, { reading, pointer: '/spec/limits' }),
      ...(limits.instances !== undefined && { instances: limits.instances }),
    },
    ...(drainToQuota === true && { drainToQuota }),
  };
}
