import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, type ParsedNode } from 'yaml';
import type { SourceRange } from '../model/diagnostics.ts';
import type { Location } from './document.ts';

/** The longest part of a line that a diagnostic shows. */
const maxExcerptLength = 200;

/** Line and column of every offset of a text, found by halving. */
export interface Lines {
  range(start: number, end: number): SourceRange;
  location(start: number, end: number): Location;
}

export function linesOf(text: string): Lines {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const lineOf = (offset: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  const place = (offset: number) => {
    const line = lineOf(offset);
    return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
  };
  const range = (start: number, end: number): SourceRange => {
    const from = place(Math.min(start, text.length));
    const to = place(Math.min(Math.max(end, start), text.length));
    return { line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
  };
  return {
    range,
    location: (start, end) => {
      const found = range(start, end);
      const lineStart = starts[found.line - 1] ?? 0;
      const lineEnd = starts[found.line] ?? text.length + 1;
      const excerpt = text.slice(lineStart, Math.min(lineEnd - 1, lineStart + maxExcerptLength)).replace(/\r$/, '');
      return { range: found, excerpt };
    },
  };
}

/** Where a JSON pointer is in a parsed document; the nearest ancestor that exists where it does not. */
export function locatePointer(
  document: Document.Parsed,
  lines: Lines,
  pointer: string,
  target: 'key' | 'value',
): Location {
  let node: Node | null | undefined = document.contents;
  let [start, end] = nodeSpan(document.contents, 0);
  // The whole document, or a key that is missing in it, is marked at its first key: a whole map is no place to look at.
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const resolved: Node | undefined = isAlias(node) ? node.resolve(document) : (node ?? undefined);
    if (isMap(resolved)) {
      const pair: Pair | undefined = resolved.items.find(
        (item) => isScalar(item.key) && String(item.key.value) === key,
      );
      if (pair === undefined) break;
      node = pair.value as Node | null;
      const keySpan = nodeSpan(pair.key as ParsedNode, start);
      [start, end] = target === 'key' || node === null || isCollection(node) ? keySpan : nodeSpan(node, keySpan[0]);
    } else if (isSeq(resolved)) {
      node = resolved.items[Number(key)] as Node | undefined;
      if (node === undefined) break;
      [start, end] = nodeSpan(node, start);
    } else break;
  }
  return lines.location(start, end);
}

const isCollection = (node: Node): boolean => (isMap(node) || isSeq(node)) && node.flow !== true;

/** The node's own text; of a block collection only its first key or item, since a range over many lines marks nothing. */
function nodeSpan(node: Node | null | undefined, fallback: number): [start: number, end: number] {
  if (isMap(node) && node.flow !== true && node.items[0] !== undefined)
    return nodeSpan(node.items[0].key as Node | null, fallback);
  if (isSeq(node) && node.flow !== true && node.items[0] !== undefined)
    return nodeSpan(node.items[0] as Node | null, fallback);
  const range = node?.range;
  return range === undefined || range === null ? [fallback, fallback] : [range[0], range[1]];
}
