import type { StoreFinding, StoreFindingCode } from '../../model/store-check.ts';

type Meaning = Pick<StoreFinding, 'severity' | 'harm' | 'remedy'>;

const restoreAdvice = '`muster store restore FILE --replace` brings back a backup that passes this check.';

const meanings: Readonly<Record<StoreFindingCode, Meaning>> = {
  MUS2101: {
    severity: 'error',
    harm: 'Every command that reads the store fails on it, so nothing is planned, applied or healed.',
    remedy: `Find out who wrote to this key. ${restoreAdvice}`,
  },
  MUS2102: {
    severity: 'warning',
    harm: 'None: Muster passes it over. Backups keep it.',
    remedy: 'A newer Muster wrote it, or somebody else shares this prefix: give them a prefix of their own.',
  },
  MUS2103: {
    severity: 'error',
    harm: 'What it belongs to cannot be compared, healed, rolled back or finished.',
    remedy: `Do not apply. ${restoreAdvice}`,
  },
  MUS2104: {
    severity: 'error',
    harm: 'It may run twice: two writers of one volume, two answers to one name. Both are charged.',
    remedy:
      '`muster status` says what runs. After `muster unit abandon` this is expected: the next apply removes the extra one. Else look into it before anything is applied.',
  },
  MUS2105: {
    severity: 'error',
    harm: 'The generation would be given out a second time: two objects of one name, one taken for the other.',
    remedy: `The store, or a part of it, went back in time. Do not apply. ${restoreAdvice}`,
  },
  MUS2106: {
    severity: 'error',
    harm: 'Two instances use it: one fails to start, or both disturb each other.',
    remedy: '`muster status` says who runs; stop and remove the one that should not have it, and apply again.',
  },
  MUS2107: {
    severity: 'warning',
    harm: 'Nothing new is placed there; what runs may be short of it.',
    remedy:
      'Right after a capacity was lowered in git this is expected. Raise it, or move instances: lifecycle, rebalance.',
  },
};

export const finding = (code: StoreFindingCode, subject: string, message: string): StoreFinding => ({
  code,
  subject,
  message,
  ...meanings[code],
});

const rank = { error: 0, warning: 1 } as const;

/** Errors first, then by code, then by subject. */
export const inOrder = (findings: readonly StoreFinding[]): readonly StoreFinding[] =>
  [...findings].sort(
    (a, b) => rank[a.severity] - rank[b.severity] || compareText(a.code, b.code) || compareText(a.subject, b.subject),
  );

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
