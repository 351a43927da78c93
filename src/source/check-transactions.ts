import type { DesiredWorkload } from '../model/desired.ts';
import type { TransactionId, WorkloadId } from '../model/ids.ts';
import { mostMembers } from '../model/transactions.ts';
import { findCycle } from './cycle.ts';
import type { Declared } from './normalise.ts';
import type { Problem } from './problem.ts';
import { didYouMean } from './suggest.ts';

type Workload = Declared<DesiredWorkload>;

/** How many workloads a transaction has, and that nobody waits for itself: neither by `after` alone nor by what commits together. */
export function checkTransactions(declared: readonly Workload[]): readonly Problem[] {
  const members = new Map<TransactionId, Workload[]>();
  for (const workload of declared) {
    const { transaction } = workload.item;
    if (transaction === undefined) continue;
    const list = members.get(transaction);
    if (list === undefined) members.set(transaction, [workload]);
    else list.push(workload);
  }
  const names = [...members.keys()];
  return [
    ...[...members].flatMap(([id, list]) => sizeProblem(list, { id, names })),
    ...declared.flatMap((workload) => afterOwn(workload, members)),
    ...waitingCycles(declared, members),
  ];
}

function sizeProblem(
  list: readonly Workload[],
  { id, names }: { readonly id: TransactionId; readonly names: readonly TransactionId[] },
): readonly Problem[] {
  const [first, ...others] = list;
  if (first === undefined) return [];
  const { document } = first;
  const pointer = '/spec/transaction';
  const name = nameOf(id);
  if (others.length === 0) {
    const near = didYouMean(
      name,
      names.filter((other) => other !== id && other.startsWith(`${first.item.namespace}/`)).map(nameOf),
    );
    const message = `only ${first.item.id} names the transaction ${name}: nothing changes together with it`;
    return [{ document, code: 'MUS1330', severity: 'warning', pointer, message, found: name, ...near }];
  }
  if (list.length <= mostMembers) return [];
  return [
    {
      document,
      code: 'MUS1329',
      pointer,
      message: `${list.length} workloads name the transaction ${name}; at most ${mostMembers} can be committed at once`,
      found: name,
      hint: 'name fewer, or put them into several transactions',
    },
  ];
}

const nameOf = (id: TransactionId): string => id.slice(id.indexOf('/') + 1);

type Members = ReadonlyMap<TransactionId, readonly Workload[]>;

/** One of them would wait for the commit of the other, which waits for it. */
function afterOwn({ item, document }: Workload, members: Members): readonly Problem[] {
  const own = item.transaction === undefined ? [] : (members.get(item.transaction) ?? []);
  const siblings = new Set(own.map((sibling) => sibling.item.id).filter((id) => id !== item.id));
  return item.after
    .filter((first) => siblings.has(first))
    .map((first) => ({
      document,
      code: 'MUS1307',
      pointer: '/spec/after',
      target: 'key',
      message: `${item.id} comes after ${first}, but both commit together in transaction ${item.transaction}`,
      hint: `remove the \`after\` entry, or take one of them out of the transaction`,
    }));
}

/** Whoever comes after a workload of a transaction waits for all of that, so it counts as one. */
function waitingCycles(declared: readonly Workload[], members: Members): readonly Problem[] {
  const byId = new Map<WorkloadId, Workload>(declared.map((workload) => [workload.item.id, workload]));
  const placeOf = (id: WorkloadId): string => {
    const transaction = byId.get(id)?.item.transaction;
    return transaction === undefined || members.get(transaction)?.length === 1 ? id : `transaction ${transaction}`;
  };
  const inPlace = new Map<string, Workload[]>();
  for (const workload of declared) {
    const place = placeOf(workload.item.id);
    inPlace.set(place, [...(inPlace.get(place) ?? []), workload]);
  }
  const next = (place: string): readonly string[] => [
    ...new Set(
      (inPlace.get(place) ?? [])
        .flatMap(({ item }) => item.after.map(placeOf))
        .filter((other) => other !== place || !place.startsWith('transaction ')),
    ),
  ];
  return findCycle([...inPlace.keys()].sort(), next).flatMap((cycle): readonly Problem[] => {
    const [first = ''] = cycle;
    const second = cycle[1] ?? first;
    const start = inPlace.get(first)?.find(({ item }) => item.after.some((id) => placeOf(id) === second));
    if (start === undefined) return [];
    return [
      {
        document: start.document,
        code: 'MUS1307',
        pointer: '/spec/after',
        target: 'key',
        message: `workloads wait for each other: ${[...cycle, first].join(' → ')}`,
        hint: 'remove one of these `after` entries',
      },
    ];
  });
}
