import pc from 'picocolors';

/** Colours by meaning, so that every renderer says the same thing the same way. With `color: false` all are identity. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly changed: (text: string) => string;
  readonly moved: (text: string) => string;
}

export function createPaint(options: { readonly color: boolean }): Paint {
  const colors = pc.createColors(options.color);
  return {
    bold: colors.bold,
    dim: colors.dim,
    good: colors.green,
    bad: colors.red,
    warn: colors.yellow,
    changed: colors.yellow,
    moved: colors.cyan,
  };
}

/** NO_COLOR and `--no-color` win, then FORCE_COLOR, then whether somebody looks at a terminal. */
export function wantsColor(options: {
  readonly isTerminal: boolean;
  readonly flag?: boolean | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): boolean {
  const { environment } = options;
  if (options.flag === false || (environment['NO_COLOR'] ?? '') !== '') return false;
  const force = environment['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return options.isTerminal && environment['TERM'] !== 'dumb';
}
