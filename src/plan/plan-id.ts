import { canonicalJson, openSha256 } from '../model/hash.ts';
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
  const hash = openSha256();
  const holdsText = openHoldsText();
  hash.update(canonicalJson({ ...rest, basis }));
  const say = (line: string): void => {
    hash.update('\n');
    hash.update(line);
  };
  let last: Step | undefined;
  for (const step of steps) {
    if (last === undefined || !isAlike(last, step)) say(commonText(step));
    last = step;
    const ordinal = step.instance.slice(step.unit.length + 1);
    say(`${ordinal} ${step.generation} ${step.node} ${step.from ?? ''} ${holdsText(step.holds)}`);
    if (step.heldBefore !== undefined) say(`held ${holdsText(step.heldBefore)}`);
    if (step.replaces !== undefined) {
      const { generation, node, engine, revision, object, holds } = step.replaces;
      say(`replaces ${generation} ${node} ${engine} ${revision} ${object} ${holdsText(holds)}`);
    }
  }
  for (const { waves, ...unit } of units) {
    say(canonicalJson(unit));
    for (const { steps: ids, gate, observeMs, worstCaseMs, available } of waves)
      say(`${ids.length} ${gate} ${observeMs} ${worstCaseMs ?? ''} ${available ?? ''}`);
  }
  return planId(`sha256:${hash.hex()}`);
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
  a.forced === b.forced &&
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

/** What is held as text, in the order in which plans are hashed: neighbours mostly hold the same amounts. */
function openHoldsText(): (holds: Holds) => string {
  let last: Holds | undefined;
  let amounts = '';
  return (holds) => {
    if (last === undefined || !sameAmounts(last, holds)) {
      const { cpuMillis, memoryBytes, storageBytes, bandwidthBits = 0, ip = '' } = holds;
      amounts = `${cpuMillis} ${memoryBytes} ${storageBytes} ${bandwidthBits} ${ip}`;
    }
    last = holds;
    const { ports, cpuset, cpuFragments, numaNode, volumes, devices } = holds;
    let text = amounts;
    if (ports !== undefined) for (const name in ports) text += ` ${name}:${ports[name]}`;
    if (cpuset === undefined && numaNode === undefined && volumes === undefined && devices === undefined) return text;
    return `${text} ${canonicalJson({ cpuset, cpuFragments, numaNode, volumes, devices })}`;
  };
}

const sameAmounts = (a: Holds, b: Holds): boolean =>
  a.cpuMillis === b.cpuMillis &&
  a.memoryBytes === b.memoryBytes &&
  a.storageBytes === b.storageBytes &&
  a.bandwidthBits === b.bandwidthBits &&
  a.ip === b.ip;
