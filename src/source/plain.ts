import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';

/** Bounds on one document. */
const maxDepth = 64;
const maxKeys = 4096;
/** Values that aliases may repeat in one document: enough for templates, not for a bomb. */
const maxAliasedValues = 10_000;

/** What is wrong in a text, by offsets. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
  readonly start: number;
  readonly end: number;
  readonly found?: string;
  readonly allowed?: readonly string[];
  readonly hint?: string;
  readonly related?: { readonly start: number; readonly message: string };
}

export type Report = (trouble: Trouble) => void;

/** A parsed document as plain data; what cannot be is reported. */
export function toPlain(document: Document.Parsed, report: Report): unknown {
  const textMap = isMap(document.contents) ? document.getIn(['spec', 'env'], true) : undefined;
  const conversion: Conversion = { report, anchors: new Map(), textMap, aliasedValues: 0, insideAlias: false };
  return convert(document.contents, conversion, 0);
}

interface Conversion {
  readonly report: Report;
  readonly anchors: Map<string, unknown>;
  /** `spec.env`: its scalars are kept as they are written, so that 1.10 stays "1.10". */
  readonly textMap: unknown;
  aliasedValues: number;
  insideAlias: boolean;
}

function convert(node: unknown, conversion: Conversion, depth: number): unknown {
  if (isAlias(node)) return convertAlias(node, conversion, depth);
  if (conversion.insideAlias) conversion.aliasedValues += 1;
  if (isScalar(node)) {
    if (node.anchor !== undefined) conversion.anchors.set(node.anchor, node);
    return convertScalar(node, conversion);
  }
  if (!isMap(node) && !isSeq(node)) return null;
  if (node.anchor !== undefined) conversion.anchors.set(node.anchor, node);
  if (depth >= maxDepth) {
    conversion.report(tooDeep(startOf(node), startOf(node) + 1));
    return null;
  }
  return isMap(node) ? convertMap(node, conversion, depth) : convertSequence(node, conversion, depth);
}

function convertScalar(node: Scalar, conversion: Conversion): unknown {
  const { value } = node;
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    conversion.report({
      code: 'MUS1004',
      message: 'this number is too large to be exact',
      ...spanOf(node),
      found: node.source ?? String(value),
      allowed: ['whole numbers below 2^53'],
      hint: 'write it in quotes if it is text',
    });
  }
  return value;
}

function convertSequence(node: YAMLSeq, conversion: Conversion, depth: number): unknown {
  return node.items.map((item) => convert(item, conversion, depth + 1));
}

function convertMap(node: YAMLMap, conversion: Conversion, depth: number): unknown {
  if (node.items.length > maxKeys) {
    conversion.report({
      code: 'MUS1010',
      message: 'the map has too many keys',
      ...spanOf(node.items[0]?.key),
      found: `${node.items.length} keys`,
      allowed: [`at most ${maxKeys}`],
    });
    return null;
  }
  const result: Record<string, unknown> = {};
  for (const pair of node.items) {
    const key = convertKey(node, pair, result, conversion);
    if (key === undefined) continue;
    const text = node === conversion.textMap ? writtenText(pair.value) : undefined;
    result[key] = text ?? convert(pair.value, conversion, depth + 1);
  }
  return result;
}

/** The key as text; undefined, and reported, where it cannot be one or is there already. */
function convertKey(
  map: YAMLMap,
  pair: Pair,
  soFar: Readonly<Record<string, unknown>>,
  conversion: Conversion,
): string | undefined {
  const node = pair.key;
  if (!isScalar(node) || node.value === null) {
    conversion.report({ code: 'MUS1004', message: 'a key must be text', ...spanOf(node), allowed: ['text'] });
    return undefined;
  }
  const key = String(node.value);
  if (key === '__proto__') {
    conversion.report({ code: 'MUS1003', message: '"__proto__" cannot be a key', ...spanOf(node) });
    return undefined;
  }
  if (Object.hasOwn(soFar, key)) {
    const first = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
    const related = { start: startOf(first?.key), message: 'first here' };
    conversion.report({
      code: 'MUS1002',
      message: `the key "${key}" is there twice`,
      ...spanOf(node),
      hint: 'keep one of them',
      related,
    });
    return undefined;
  }
  return key;
}

function convertAlias(node: { readonly source: string }, conversion: Conversion, depth: number): unknown {
  const target = conversion.anchors.get(node.source);
  const span = spanOf(node);
  if (target === undefined) {
    conversion.report({ code: 'MUS1001', message: `there is no anchor &${node.source} before this alias`, ...span });
    return null;
  }
  if (conversion.aliasedValues > maxAliasedValues) return null;
  const outer = conversion.insideAlias;
  conversion.insideAlias = true;
  const value = convert(target, conversion, depth);
  conversion.insideAlias = outer;
  if (conversion.aliasedValues > maxAliasedValues && !outer) {
    conversion.report({
      code: 'MUS1010',
      message: 'aliases repeat too much',
      ...span,
      found: `more than ${maxAliasedValues} repeated values`,
      allowed: [`at most ${maxAliasedValues}`],
      hint: 'write the values out, or use a patch in the Cluster document',
    });
  }
  return value;
}

/** `1.10` and `True` as they are written; undefined for text, which needs no care, and for what is no scalar. */
function writtenText(node: unknown): string | undefined {
  if (!isScalar(node) || typeof node.value === 'string' || node.value === null) return undefined;
  return node.source;
}

/** More nesting than any configuration has. */
export const tooDeep = (start: number, end: number): Trouble => ({
  code: 'MUS1010',
  message: 'nested too deeply',
  start,
  end,
  allowed: [`at most ${maxDepth} levels`],
  hint: 'an alias that contains itself looks like this too',
});

const rangeOf = (node: unknown): readonly number[] | undefined =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
    ? (node.range as readonly number[])
    : undefined;

const startOf = (node: unknown): number => rangeOf(node)?.[0] ?? 0;

function spanOf(node: unknown): { readonly start: number; readonly end: number } {
  const range = rangeOf(node);
  return { start: range?.[0] ?? 0, end: range?.[1] ?? 0 };
}
