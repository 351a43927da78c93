import type { InstanceId } from '../model/ids.ts';
import type { Plan } from '../model/plan.ts';
import { assemble } from './assemble.ts';
import { type Context, openContext } from './context.ts';
import { decide, type Intent } from './decide.ts';
import type { PlanInputs } from './inputs.ts';
import { type Matched, match } from './match.ts';
import { placeAll } from './place/place.ts';
import { prune } from './prune.ts';
import { overQuota } from './quota-drain.ts';
import { noteFrozen, noteOrphans, noteUnseen, noteWorld, refuseUnreachableLeavers } from './remarks.ts';
import { chooseTarget } from './target.ts';
import { buildUnits } from './units.ts';

/**
 * The steps that take recorded + observed to desired, and what cannot be done. Pure: the same inputs give the same
 * bytes, and their order does not matter. What a user did wrong is a refusal or a warning in the plan; it never throws
 * for that.
 */
export function createPlan(inputs: PlanInputs): Plan {
  const context = openContext(inputs);
  const matched = match(inputs, context.cluster);
  const intents = decideAll(context, matched, overQuota(context, matched));
  const placed = placeAll(context, intents);
  const pruned = prune(
    context,
    matched.workloads.filter((workload) => workload.definition === undefined),
  );
  const units = buildUnits(context, placed, pruned);
  remark(context, matched);
  return assemble(
    context,
    units,
    intents.reduce((sum, intent) => sum + intent.unchanged, 0),
  );
}

/** Every workload that git wants, unless it is frozen or has no revision that could be tried. */
function decideAll(context: Context, matched: Matched, over: ReadonlySet<InstanceId>): readonly Intent[] {
  return matched.workloads.flatMap((workload): readonly Intent[] => {
    if (workload.frozen !== undefined) noteFrozen(context, workload);
    if (workload.definition === undefined || workload.frozen !== undefined) return [];
    const target = chooseTarget(context.inputs, workload, workload.definition, context.notes);
    return target === undefined ? [] : [decide(context, workload, workload.definition, { target, over })];
  });
}

function remark(context: Context, matched: Matched): void {
  noteWorld(context);
  noteOrphans(context, matched);
  noteUnseen(context);
  refuseUnreachableLeavers(context);
}
