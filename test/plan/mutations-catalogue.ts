import { capacity, limits } from './mutations-amounts.ts';
import type { Mutation } from './mutations-edit.ts';
import { references, shape } from './mutations-form.ts';
import { inFlight } from './mutations-in-flight.ts';
import { networks, pieces } from './mutations-pieces.ts';
import { places } from './mutations-places.ts';
import { rollouts } from './mutations-rollout.ts';
import { transactions } from './mutations-transactions.ts';

/** Every way to corrupt a plan that we know. */
export const mutations: readonly Mutation[] = [
  ...shape,
  ...references,
  ...places,
  ...capacity,
  ...pieces,
  ...networks,
  ...limits,
  ...inFlight,
  ...rollouts,
  ...transactions,
];
