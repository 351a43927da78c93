import { allocationId } from '../../model/ids.ts';
import { observedAt } from './base.ts';
import { type Books, type Charge, createCharge, type Holding, readAddress, readNode } from './charge.ts';
import { recordedHolding } from './charged.ts';
import { nextHolding } from './envelope.ts';
import { meaningOf, nodesOf } from './limits.ts';
import { knownSlot } from './slots.ts';
import { openWork, type World } from './world.ts';

/** More names would not help. */
const mostNames = 5;

/** Who has a piece now, or takes it; nobody is named for what is only counted. */
export function holdersOf(world: World, books: Books, slot: number): readonly string[] {
  const { kind } = meaningOf(books, slot);
  if (kind === 'counted' || kind === 'quota' || kind === 'extended') return []; // everybody has some of it
  const names: string[] = [];
  const charge = createCharge();
  for (const name of candidates(world, books, slot, charge)) {
    if (names.length === mostNames) break;
    names.push(name);
  }
  return names;
}

function* candidates(world: World, books: Books, slot: number, charge: Charge): Generator<string> {
  const { base } = books;
  const holds = (holding: Holding): boolean => {
    charge.size = 0;
    readNode(books, charge, holding, knownSlot);
    readAddress(books, charge, holding, knownSlot);
    return charge.slots.slice(0, charge.size).includes(slot);
  };
  for (const [index, { id }] of base.allocations.entries()) {
    if (holds(recordedHolding(books, index))) yield `${id} has it`;
  }
  yield* foreignHolders(books, slot);
  for (const unit of world.plan.units) {
    for (const item of openWork(world, unit).items) {
      const holding = nextHolding(item);
      const { step } = item;
      if (holding === undefined || !holds(holding)) continue;
      yield `${step.id} gives it to ${allocationId(step.instance, step.generation)}`;
    }
  }
}

function* foreignHolders(books: Books, slot: number): Generator<string> {
  const meaning = meaningOf(books, slot);
  if (meaning.kind !== 'port') return;
  for (const node of nodesOf(books, meaning)) {
    for (const { name, ports } of observedAt(books.base, node)?.foreign ?? []) {
      if (ports.includes(meaning.port)) yield `${name} on ${books.base.nodes.names[node]}, which is not ours, has it`;
    }
  }
}
