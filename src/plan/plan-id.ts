import { canonicalJson, sha256Hex } from '../model/hash.ts';
import { planId } from '../model/ids.ts';
import type { Plan, PlanBasis, Step } from '../model/plan.ts';
import type { Holds } from '../model/recorded.ts';

/**
 * The hash of everything but timestamps and the store revision. Steps are hashed as short lines, since their number is
 * what makes a plan large: what a step has in common with the one before it is not said again, nor is its id, which is
 * its position.
 */
export function idOf(
  content: Omit<Plan, 'id' | 'basis' | 'createdAt' | 'expiresAt'>,
  basis: Omit<PlanBasis, 'storeRevision'>,
): Plan['id'] {
  const { steps, units, ...rest } = content;
  const lines = [canonicalJson({ ...rest, basis })];
  let last: Step | undefined;
  for (const step of steps) {
    if (last === undefined || !isAlike(last, step)) lines.push(commonText(step));
    last = step;
    lines.push(`${step.instance} ${step.generation} ${step.node} ${step.from ?? ''} ${holdsText(step.holds)}`);
    if (step.heldBefore !== undefined) lines.push(`held ${holdsText(step.heldBefore)}`);
    if (step.replaces !== undefined) {
      const { generation, node, engine, revision, object, holds } = step.replaces;
      lines.push(`replaces ${generation} ${node} ${engine} ${revision} ${object} ${holdsText(holds)}`);
    }
  }
  for (const { waves, ...unit } of units) {
    lines.push(canonicalJson(unit), ...waves.map((wave) => `${wave.steps.length} ${wave.gate} ${wave.observeMs}`));
  }
  return planId(`sha256:${sha256Hex(lines.join('\n'))}`);
}

/** True when all that `commonText` says is the same. */
const isAlike = (a: Step, b: Step): boolean =>
  a.unit === b.unit &&
  a.wave === b.wave &&
  a.kind === b.kind &&
  a.engine === b.engine &&
  a.class === b.class &&
  a.undo === b.undo &&
  a.order === b.order &&
  a.cause === b.cause &&
  a.revision === b.revision &&
  a.revisionBefore === b.revisionBefore &&
  a.reason === b.reason &&
  (a.changes === b.changes || (a.changes.length === 0 && b.changes.length === 0));

const commonText = (step: Step): string =>
  canonicalJson({
    ...step,
    id: undefined,
    instance: undefined,
    generation: undefined,
    node: undefined,
    from: undefined,
    holds: undefined,
    heldBefore: undefined,
    replaces: undefined,
  });

function holdsText({ cpuMillis, memoryBytes, storageBytes, bandwidthBits, ip, ports, ...placed }: Holds): string {
  const amounts = `${cpuMillis} ${memoryBytes} ${storageBytes} ${bandwidthBits ?? 0} ${ip ?? ''}`;
  let text = amounts;
  if (ports !== undefined) for (const name of Object.keys(ports)) text += ` ${name}:${ports[name]}`;
  return Object.keys(placed).length === 0 ? text : `${text} ${canonicalJson(placed)}`;
}
