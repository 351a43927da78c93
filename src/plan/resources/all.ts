import type { Desired } from '../../model/desired.ts';
import type { AnyResource } from '../pieces.ts';

/** Every resource whose pieces are told apart, in the order in which pieces are chosen. */
export function openResources(_desired: Desired): readonly AnyResource[] {
  return [];
}
