/** Terminals narrower than this are laid out as if they were this wide: below it no line can stay whole. */
const narrowest = 40;

export const usableWidth = (columns: number | undefined): number => Math.max(narrowest, columns ?? 100);

// biome-ignore lint/suspicious/noControlCharactersInRegex: an ANSI escape begins with a control character
const ansi = /\u001b\[[0-9;]*m/g;

/** Columns that the text takes, colours not counted. What Muster prints beyond ASCII (→ · …) is one column wide. */
export const visibleLength = (text: string): number => [...text.replaceAll(ansi, '')].length;

export const padEnd = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - visibleLength(text)));

/** Cuts plain text (no colours) to a width, with an ellipsis where something is missing. */
export function clip(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(1, width - 1)).join('')}…`;
}

/**
 * Text after a label, wrapped at spaces with a hanging indent. A word that is longer than the line is left whole: a
 * path or hash that is cut cannot be copied. Given as a list, only whole items are moved to the next line.
 */
export function hang(label: string, text: string | readonly string[], width: number): string {
  const indent = visibleLength(label);
  const lines: string[] = [];
  let line = '';
  for (const word of typeof text === 'string' ? text.split(' ') : text) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && indent + visibleLength(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  lines.push(line);
  return lines.map((part, index) => (index === 0 ? label : ' '.repeat(indent)) + part).join('\n');
}

export const plural = (count: number, singular: string, many = `${singular}s`): string =>
  `${count} ${count === 1 ? singular : many}`;

/** Ordinals as people write them: `0-3, 7`. */
export function ranges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const parts: { first: number; last: number }[] = [];
  for (const value of sorted) {
    const open = parts.at(-1);
    if (open !== undefined && value === open.last + 1) open.last = value;
    else parts.push({ first: value, last: value });
  }
  return parts.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(', ');
}

/** Lines in columns: every column as wide as its widest cell, the last one free. */
export function columns(rows: readonly (readonly string[])[], gap = 2): readonly string[] {
  const widths = widthsOf(rows);
  return rows.map((row) =>
    row
      .map((cell, index) => (index === row.length - 1 ? cell : padEnd(cell, (widths[index] ?? 0) + gap)))
      .join('')
      .trimEnd(),
  );
}

/** A line of a table whose last cell is wrapped below itself. */
export interface WrappedRow {
  readonly cells: readonly string[];
  /** As `hang` takes it. */
  readonly last: string | readonly string[];
}

/** Like `columns`, for last cells that may be too long for the line. */
export function wrappedColumns(rows: readonly WrappedRow[], width: number, gap = 2): readonly string[] {
  const widths = widthsOf(rows.map(({ cells }) => cells));
  return rows.map(({ cells, last }) => {
    const label = cells.map((cell, index) => padEnd(cell, (widths[index] ?? 0) + gap)).join('');
    return last.length === 0 ? label.trimEnd() : hang(label, last, width);
  });
}

/** Lines of right-aligned columns. */
export function rightColumns(rows: readonly (readonly string[])[], gap = 2): readonly string[] {
  const widths = widthsOf(rows);
  const padStart = (cell: string, width = 0): string => ' '.repeat(Math.max(0, width - visibleLength(cell))) + cell;
  return rows.map((row) => row.map((cell, index) => padStart(cell, widths[index])).join(' '.repeat(gap)));
}

function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, visibleLength(cell));
  }
  return widths;
}

/** Items that are kept whole when the line is wrapped (`hang`), with a dot between them. */
export const dotted = (items: readonly string[]): readonly string[] =>
  items.map((item, index) => (index < items.length - 1 ? `${item} ·` : item));
