import type { Holds } from '../model/recorded.ts';
import { charge, fits, holdsVector, type Ledger, type LedgerBase, storageColumn, type Vector } from './ledger.ts';
import { chargeQuota, type QuotaCharge, type QuotaLedger, type QuotaRow } from './quota.ts';
import type { UndoLog } from './undo.ts';

/**
 * What one unit has charged and does not use at the moment. To everybody else a unit occupies the most that it holds in
 * any of its states; inside it, what a wave has freed is there for later waves. Undoing retraces the same states, so it
 * fits as well. A stop frees cpu, memory and the like; disk space and pieces are freed by the deletion, which comes after
 * the unit's end.
 */
export interface Account {
  /** By node: usable from the next charge on. */
  credit: Map<number, Vector>;
  /** By node: freed by the wave under way, usable once it is done. */
  pending: Map<number, Vector>;
  quotaCredit: Map<QuotaRow, number>;
  quotaPending: Map<QuotaRow, number>;
}

export const openAccount = (): Account => ({
  credit: new Map(),
  pending: new Map(),
  quotaCredit: new Map(),
  quotaPending: new Map(),
});

/** What stopping frees. */
export function freedVector(ledger: LedgerBase, holds: Holds, object: 'running' | 'dead' | 'gone'): Vector {
  const freed = holdsVector(ledger, holds);
  if (object !== 'gone') freed[storageColumn] = 0;
  return freed;
}

/** What has to be charged for `amounts` on top of credit and of what `freed` gives at once; undefined when it does not fit. */
export function needOf(
  ledger: Ledger,
  account: Account | undefined,
  of: { readonly node: number; readonly amounts: Vector; readonly freed: Vector | undefined },
): Vector | undefined {
  const { node, amounts, freed } = of;
  const credit = account?.credit.get(node);
  if (credit === undefined && freed === undefined) return fits(ledger, node, amounts) ? amounts : undefined;
  const need = new Float64Array(ledger.width);
  for (let d = 0; d < ledger.width; d += 1) {
    need[d] = Math.max(0, (amounts[d] as number) - (freed?.[d] ?? 0) - (credit?.[d] ?? 0));
  }
  return fits(ledger, node, need) ? need : undefined;
}

/** Charges the need, uses up credit, and keeps what of `freed` was not used for after the wave. */
export function chargeUnit(
  ledger: Ledger,
  account: Account | undefined,
  of: { readonly node: number; readonly amounts: Vector; readonly freed: Vector | undefined; readonly need: Vector },
): void {
  const { node, amounts, freed, need } = of;
  charge(ledger, node, need);
  if (account === undefined) return;
  const credit = account.credit.get(node);
  if (credit === undefined && freed === undefined) return;
  const left = new Float64Array(ledger.width);
  const rest = new Float64Array(ledger.width);
  for (let d = 0; d < ledger.width; d += 1) {
    const over = (amounts[d] as number) - (freed?.[d] ?? 0);
    left[d] = Math.max(0, (credit?.[d] ?? 0) - Math.max(0, over));
    rest[d] = Math.max(0, -over);
  }
  if (credit !== undefined) put(ledger, account.credit, node, left);
  if (freed !== undefined) addPending(ledger, account, node, rest);
}

/** Frees something at the end of the wave. */
export function addPending(ledger: Ledger, account: Account, node: number, freed: Vector): void {
  const before = account.pending.get(node);
  put(
    ledger,
    account.pending,
    node,
    before === undefined ? freed : freed.map((amount, d) => amount + (before[d] ?? 0)),
  );
}

export function addQuotaPending(quotas: QuotaLedger, account: Account, freed: readonly QuotaCharge[]): void {
  for (const { row, amount } of freed) {
    set(quotas.undo, account.quotaPending, row, (account.quotaPending.get(row) ?? 0) + amount);
  }
}

/** What has to be charged to each quota on top of its credit. */
export function quotaNeed(account: Account | undefined, demand: readonly QuotaCharge[]): readonly QuotaCharge[] {
  if (account === undefined || account.quotaCredit.size === 0) return demand;
  return demand.flatMap(({ row, amount }) => {
    const need = amount - (account.quotaCredit.get(row) ?? 0);
    return need > 0 ? [{ row, amount: need }] : [];
  });
}

export function chargeUnitQuota(
  quotas: QuotaLedger,
  account: Account | undefined,
  { demand, need }: { readonly demand: readonly QuotaCharge[]; readonly need: readonly QuotaCharge[] },
): void {
  chargeQuota(quotas, need);
  if (account === undefined || account.quotaCredit.size === 0) return;
  for (const { row, amount } of demand) {
    const credit = account.quotaCredit.get(row);
    if (credit !== undefined) set(quotas.undo, account.quotaCredit, row, Math.max(0, credit - amount));
  }
}

/** The wave is done: what it freed may be used. */
export function closeWave(ledger: Ledger, quotas: QuotaLedger, account: Account): void {
  if (account.credit.size + account.quotaCredit.size === 0) closeFirst(ledger, account);
  else addToCredit(ledger, quotas, account);
}

/** Nothing was freed before: what is pending is the credit. */
function closeFirst({ undo }: Ledger, account: Account): void {
  const { credit, pending, quotaCredit, quotaPending } = account;
  account.credit = pending;
  account.pending = credit;
  account.quotaCredit = quotaPending;
  account.quotaPending = quotaCredit;
  undo.entries.push(() => Object.assign(account, { credit, pending, quotaCredit, quotaPending }));
}

function addToCredit(ledger: Ledger, quotas: QuotaLedger, account: Account): void {
  for (const [node, freed] of account.pending) {
    const before = account.credit.get(node);
    put(
      ledger,
      account.credit,
      node,
      before === undefined ? freed : freed.map((amount, d) => amount + (before[d] ?? 0)),
    );
    remove(ledger.undo, account.pending, node);
  }
  for (const [row, freed] of account.quotaPending) {
    set(quotas.undo, account.quotaCredit, row, (account.quotaCredit.get(row) ?? 0) + freed);
    remove(quotas.undo, account.quotaPending, row);
  }
}

const put = (ledger: Ledger, map: Map<number, Vector>, node: number, vector: Vector): void =>
  set(ledger.undo, map, node, vector);

function set<Key, Value>({ entries }: UndoLog, map: Map<Key, Value>, key: Key, value: Value): void {
  const before = map.get(key);
  map.set(key, value);
  entries.push(() => {
    if (before === undefined) map.delete(key);
    else map.set(key, before);
  });
}

function remove<Key, Value>({ entries }: UndoLog, map: Map<Key, Value>, key: Key): void {
  const before = map.get(key);
  map.delete(key);
  if (before !== undefined) entries.push(() => void map.set(key, before));
}
