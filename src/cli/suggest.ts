import { InvalidArgumentError } from 'commander';

/** Parses `-o FORMAT`. A file name there is the commonest slip, and gets the flag that was meant. */
export const formatParser =
  <Format extends string>(formats: readonly Format[], options: { readonly hasOut: boolean }) =>
  (value: string): Format => {
    const found = formats.find((format) => format === value);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`It is one of ${formats.join(', ')}.${meant(value, formats, options)}`);
  };

function meant(value: string, formats: readonly string[], options: { readonly hasOut: boolean }): string {
  if (options.hasOut && /[./\\]/.test(value)) return ` Did you mean --out ${value}?`;
  const aliases: Readonly<Record<string, string>> = {
    md: 'markdown',
    txt: 'text',
    xml: 'junit',
    gh: 'github',
    yml: 'json',
    yaml: 'json',
  };
  const near = aliases[value.toLowerCase()] ?? formats.find((format) => distance(format, value.toLowerCase()) <= 2);
  return near !== undefined && formats.includes(near) ? ` Did you mean ${near}?` : '';
}

/** Parses a number of seconds or a duration such as `30s`, `5m` or `2d` into milliseconds. */
export function parseWait(value: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(value);
  if (match === null) throw new InvalidArgumentError('It is a duration such as 0s, 30s, 5m or 2d.');
  const factors = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
  return Number(match[1]) * factors[(match[2] ?? 's') as keyof typeof factors];
}

/** Parses a positive whole number. */
export function parseCount(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('It is a whole number from 1.');
  return Number(value);
}

/** Parses `a,b,c`; a flag that is given again adds to it. */
export function parseNames(value: string, before: readonly string[] | undefined): readonly string[] {
  const names = value.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new InvalidArgumentError('It is a name, or several with commas.');
  return [...(before ?? []), ...names];
}

/** Edit distance; words of the command line are short, so the plain table is enough. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substituted));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
