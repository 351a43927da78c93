import type { Plan } from '../../model/plan.ts';
import type { PlanInputs } from '../inputs.ts';

/** What makes the planner plan the moves of a rebalance again: to see whether a saved one still holds. */
export const relocationsOf = ({ steps }: Plan): NonNullable<PlanInputs['relocate']> =>
  new Map(
    steps
      .filter(({ cause }) => cause === 'rebalance')
      .map(({ instance, reason }) => [instance, { cause: 'rebalance', reason }]),
  );
