import type { DesiredWorkload } from '../../model/desired.ts';
import type { Budget } from '../budget.ts';
import { countOf } from '../count.ts';
import type { Intent, Want } from '../decide.ts';
import { objectOf } from '../draft.ts';
import type { UnitState } from './unit-state.ts';

/** How the instances that run are replaced, and what the steps say about it. */
export interface Order {
  readonly order: 'create-first' | 'stop-first';
  /** Appended to the reason. */
  readonly note: string;
}

/** Orders to try for instances that run, the better first. */
export function ordersOf(state: UnitState, wants: readonly Want[]): readonly Order[] {
  const { intent, budget } = state;
  const { definition } = intent;
  const forced = whyStopFirst(intent);
  const stops = wants.some((want) => want.current !== undefined && objectOf(want.current) === 'running');
  if (forced !== undefined) {
    const note = stops && definition.update.order === 'auto' ? `; stop first: ${forced}` : '';
    return [{ order: 'stop-first', note }];
  }
  if (definition.update.order === 'create-first') return [{ order: 'create-first', note: '' }];
  const withSurge = surgeOf(definition, budget) > 0 ? [{ order: 'create-first' as const, note: '' }] : [];
  return [...withSurge, { order: 'stop-first', note: stops ? '; stop first: no room or quota for both' : '' }];
}

export const firstOrder: Order = { order: 'stop-first', note: '' };

/** Why the old one has to be off before the new one is on, if it has. */
export function whyStopFirst({ definition, target }: Intent): string | undefined {
  if (definition.type !== 'stateless') return `a ${definition.type} instance exists once`;
  if (definition.update.order === 'stop-first') return 'update.order says so';
  const { network, ports, volumes } = target.revision;
  if (network !== undefined && network.ip !== 'pool') return 'its address can be held by one at a time';
  const local = volumes?.find(({ source }) => source.kind === 'auto' || source.kind === 'device');
  if (local !== undefined) return `volume ${local.name} can be used by one at a time`;
  const fixed = ports.find((port) => typeof port.publish === 'number');
  return fixed && `port ${fixed.publish} can be held by one at a time`;
}

/** How many may be there on top of what is wanted, while a rollout or a move goes on. */
export function surgeOf({ update }: DesiredWorkload, budget: Budget): number {
  const { maxSurge } = update;
  return maxSurge.kind === 'policy' ? budget.maxUnavailable : countOf(maxSurge, budget.base);
}
