import { assertNever } from '../model/assert.ts';
import type { InstanceId, NodeName, WorkloadId } from '../model/ids.ts';
import { explainInstance, type InstanceExplanation } from './explain/instance.ts';
import { look } from './explain/looking.ts';
import { explainNode, type NodeExplanation } from './explain/node.ts';
import { explainWorkload, type WorkloadExplanation } from './explain/workload.ts';
import type { PlanInputs } from './inputs.ts';

/** What somebody asks about. */
export type Subject =
  | { readonly kind: 'instance'; readonly id: InstanceId }
  | { readonly kind: 'workload'; readonly id: WorkloadId }
  | { readonly kind: 'node'; readonly name: NodeName };

export type Explanation = InstanceExplanation | WorkloadExplanation | NodeExplanation;

/**
 * Why something is where it is and why not elsewhere, what holds it, and what would let it fit: of the world as it is,
 * with what its plan would do. The reasons come from the functions that place. Undefined: neither git nor the records
 * know it.
 */
export function explain(inputs: PlanInputs, subject: Subject): Explanation | undefined {
  const looking = look(inputs);
  switch (subject.kind) {
    case 'instance':
      return explainInstance(looking, subject.id);
    case 'workload':
      return explainWorkload(looking, subject.id);
    case 'node':
      return explainNode(looking, subject.name);
    default:
      return assertNever(subject);
  }
}
