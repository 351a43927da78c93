import type { Allocation } from '../../model/recorded.ts';
import { holdersOf } from './address-book.ts';
import { addressBookOf, hasUdp, observedAt, recordedFacts } from './base.ts';
import {
  type Books,
  type Charge,
  columns,
  createCharge,
  type Holding,
  type Keep,
  nodeColumns,
  numberOfName,
  portOn,
  readNode,
  untilStop,
} from './charge.ts';
import { isPortSlot, meaningOf, nodesOf, portDomainOfSlot } from './limits.ts';
import { type Rows, rowAt } from './rows.ts';
import { extendedKey, growthOf, knownSlot, slotCount } from './slots.ts';

/** What is charged before the plan, of the slots that grow: by allocations in whatever state, and by foreign objects. */
export function chargedNow(books: Books): Float64Array {
  const { base, slots } = books;
  const now = new Float64Array(slotCount(slots));
  const marked = markNodes(books, now);
  const charge = createCharge();
  for (let index = 0; index < base.homes.length; index++) {
    if (marked[base.homes[index] as number] === 0) continue;
    charge.size = 0;
    readNode(books, charge, recordedHolding(books, index), knownSlot);
    addCharge(now, charge);
  }
  for (let node = 0; node < marked.length; node++) {
    if (marked[node] === 0) continue;
    charge.size = 0;
    readForeign(books, charge, node);
    addCharge(now, charge);
  }
  return now;
}

/** 1 for each node that has to be looked at. What is counted over all nodes is filled in here. */
function markNodes(books: Books, now: Float64Array): Uint8Array {
  const { base, slots, firstQuota, quotas } = books;
  const { nodes } = base;
  const marked = new Uint8Array(nodes.names.length);
  const domains = new Uint8Array(nodes.portDomains.starts.length);
  const use = quotas.rows.length === 0 ? undefined : quotas.use();
  for (let slot = 0; slot < now.length; slot++) {
    if (growthOf(slots, slot) === 0) continue;
    // Most slots are columns of nodes: they need no words to say so.
    if (slot < firstQuota) marked[Math.floor(slot / columns)] = 1;
    else if (slot < slots.fixed) now[slot] = use?.[slot - firstQuota] ?? 0;
    else if (isPortSlot(books, slot)) markOnce({ marked, domains }, nodes.portDomains, portDomainOfSlot(books, slot));
    else {
      const meaning = meaningOf(books, slot);
      if (meaning.kind === 'address') now[slot] = holdersOf(addressBookOf(base), meaning.which);
      else for (const node of nodesOf(books, meaning)) marked[node] = 1;
    }
  }
  return marked;
}

/** All nodes of a port domain. */
function markOnce(
  { marked, domains }: { readonly marked: Uint8Array; readonly domains: Uint8Array },
  portDomains: Rows,
  domain: number,
): void {
  if (domains[domain] === 1) return;
  domains[domain] = 1;
  for (const node of rowAt(portDomains, domain)) marked[node] = 1;
}

/** A recorded allocation, as it is charged now. */
export function recordedHolding({ base }: Books, index: number, storage: Keep = untilStop): Holding {
  const allocation = base.allocations[index] as Allocation;
  const { holds, state } = allocation;
  const isTold = holds.ip !== undefined || (holds.ports !== undefined && hasUdp(base));
  return {
    node: base.homes[index] as number,
    holds,
    state,
    facts: isTold ? recordedFacts(base, allocation) : undefined,
    storage,
    over: undefined,
  };
}

/** Foreign objects hold ports of both protocols, since engines do not say which. */
function readForeign(books: Books, charge: Charge, node: number): void {
  const { base, slots, kinds } = books;
  const domain = base.nodes.portDomainOf[node] as number;
  for (const { resources, ports } of observedAt(base, node)?.foreign ?? []) {
    for (const [dimension, amount = 0] of Object.entries(resources)) {
      const column = (nodeColumns as readonly string[]).indexOf(dimension);
      const extended = extendedKey(node * 4096 + numberOfName(kinds, dimension));
      append(charge, column < 0 ? knownSlot(slots, extended) : node * columns + column, amount);
    }
    for (const port of ports) {
      append(charge, knownSlot(slots, portOn(domain, port, 'tcp')), 1);
      append(charge, knownSlot(slots, portOn(domain, port, 'udp')), 1);
    }
  }
}

function append(charge: Charge, slot: number, amount: number): void {
  if (slot < 0) return;
  charge.slots[charge.size] = slot;
  charge.amounts[charge.size] = amount;
  charge.size += 1;
}

function addCharge(now: Float64Array, { size, slots, amounts }: Charge): void {
  for (let i = 0; i < size; i++) {
    const slot = slots[i] as number;
    now[slot] = (now[slot] as number) + (amounts[i] as number);
  }
}
