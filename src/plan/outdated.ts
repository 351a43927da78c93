import type { Desired } from '../model/desired.ts';
import { workloadOfUnit } from '../model/ids.ts';
import type { InFlightUnit } from '../model/recorded.ts';
import { definitionsOf } from './basis.ts';

/** Git wants something else of the workload by now than its unit is to bring. While a source cannot be read nothing is taken to have left. */
export function isOutdated(desired: Desired, { unit, definition }: InFlightUnit): boolean {
  if (definition === undefined) return false;
  const id = workloadOfUnit(unit);
  const current = definitionsOf({ desired }, { workloads: [id], nodes: [] }).workloads[id];
  return current === undefined ? desired.incompleteSources.length === 0 : current !== definition;
}
