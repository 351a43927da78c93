/** What `muster store check` finds wrong with what is recorded. */
export interface StoreFinding {
  /** `MUS2103`; has an entry in docs/errors.md. */
  readonly code: StoreFindingCode;
  /** `error`: an invariant is broken · `warning`: it may be so for a good reason */
  readonly severity: 'error' | 'warning';
  /** A key, an instance, a node, or what is held: `10.1.2.7`. */
  readonly subject: string;
  readonly message: string;
  /** What comes of it when nobody acts. */
  readonly harm: string;
  readonly remedy: string;
}

export type StoreFindingCode = 'MUS2101' | 'MUS2102' | 'MUS2103' | 'MUS2104' | 'MUS2105' | 'MUS2106' | 'MUS2107';

export interface StoreCheck {
  /** The store revision at which everything was read. */
  readonly revision: number;
  readonly records: number;
  /** Errors first, then by code and subject. */
  readonly findings: readonly StoreFinding[];
  /** What could not be checked, and why. */
  readonly unchecked: readonly string[];
}

export const isSound = ({ findings }: Pick<StoreCheck, 'findings'>): boolean =>
  findings.every(({ severity }) => severity !== 'error');
