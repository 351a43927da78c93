import { quotaTableOf } from './base.ts';
import { type Books, columns } from './charge.ts';
import { chargedNow } from './charged.ts';
import { holdUnit, openState } from './envelope.ts';
import { holdersOf } from './holders.ts';
import { addInFlight } from './in-flight.ts';
import { growthInOrder } from './in-order.ts';
import { describeSlot, limitOf, meaningOf } from './limits.ts';
import { closeUnit, createSlots, growthOf } from './slots.ts';
import type { Report } from './violation.ts';
import type { Check, World } from './world.ts';

/**
 * No node, device, core, port, address and no quota is exceeded in any state that the units can be in, whatever the
 * interleaving. What is over its limit already may stay; the plan must not add to it.
 */
export function capacityCheck(world: World, report: Report): Check {
  const books = openBooks(world);
  const state = openState(world, books);
  return {
    unit: (work) => {
      holdUnit(state, work);
      closeUnit(books.slots);
    },
    end: () => reportExcess(world, books, report),
  };
}

function openBooks({ base, inputs, plan }: World): Books {
  const quotas = quotaTableOf(base, inputs.desired.quotas);
  const firstQuota = base.nodes.names.length * columns;
  return {
    base,
    // What a step makes and what it ends.
    slots: createSlots({
      fixed: firstQuota + quotas.rows.length,
      pieces: plan.steps.length * (base.homes.length > 0 ? 2 : 1),
    }),
    quotas,
    firstQuota,
    devices: { numbers: new Map(), texts: [] },
    kinds: { numbers: new Map(), texts: [] },
  };
}

function reportExcess(world: World, books: Books, report: Report): void {
  const now = chargedNow(books);
  if (world.inputs.recorded.inFlight.length > 0) addInFlight(world, books, now);
  const { slots } = books;
  const exceeds = (slot: number, more: number): boolean => {
    const limit = more > 0 ? limitOf(books, slot) : undefined;
    return limit !== undefined && (now[slot] as number) + more > limit;
  };
  const over: number[] = [];
  for (let slot = 0; slot < now.length; slot++) if (exceeds(slot, growthOf(slots, slot))) over.push(slot);
  if (over.length === 0) return;
  let named = 0;
  for (const [slot, more] of growthInOrder(world, books, over)) {
    if (!exceeds(slot, more)) continue;
    const holders = named < mostNamed ? holdersOf(world, books, slot) : [];
    named += 1;
    reportSlot(books, { slot, now: now[slot] as number, more, holders }, report);
  }
}

/** Naming who holds something takes a look at everything: not for more than can be read. */
const mostNamed = 10;

interface Excess {
  readonly slot: number;
  readonly now: number;
  readonly more: number;
  readonly holders: readonly string[];
}

function reportSlot(books: Books, { slot, now, more, holders }: Excess, report: Report): void {
  const { rule, subject, text } = describeSlot(books, meaningOf(books, slot));
  const limit = limitOf(books, slot) ?? 0;
  const message = `${text} reaches ${now + more} of ${limit} (now ${now})`;
  report(rule, subject, holders.length === 0 ? message : `${message}: ${holders.join(', ')}`);
}
