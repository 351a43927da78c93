import type { Observer, World } from '../world.ts';
import { budget } from './budget.ts';
import { capacity } from './capacity.ts';
import { fencing } from './fencing.ts';
import { journaled } from './journaled.ts';
import { createMirror } from './mirror.ts';
import { rest } from './rest.ts';
import { together } from './together.ts';
import { unique } from './unique.ts';
import { units } from './units.ts';

/** Every promise that is watched, in the order in which they are checked. */
export function allPromises(world: World): readonly Observer[] {
  const mirror = createMirror(world);
  return [fencing, journaled, capacity, unique, budget, units, together, rest].map((promise) => promise(world, mirror));
}
