import { createTwoFilesPatch } from 'diff/lib/patch/create.js';
import type { EngineKind } from '../model/ids.ts';
import type { FieldChange } from '../model/plan.ts';
import { formatDuration } from '../model/units.ts';
import { dimensionLabel, formatAmount } from './amounts.ts';

/** One leaf of a changed field, ready to be shown. */
export type FieldLine =
  | { readonly kind: 'value'; readonly label: string; readonly before?: string; readonly after?: string }
  /** Long or multi-line text, as the lines of a unified diff: each begins with `+`, `-`, `@` or a space. */
  | { readonly kind: 'text'; readonly label: string; readonly lines: readonly string[] };

/** Objects are opened up to their leaves, so that a changed health check shows what about it changed. */
export function fieldLines(changes: readonly FieldChange[], engine: EngineKind): readonly FieldLine[] {
  const lines = changes.flatMap((change) => leaves(change.path, change.before, change.after));
  // In git the block has the engine's name.
  return lines.map((line) => ({ ...line, label: line.label.replace(/^options(?=\.)/, engine) }));
}

const deepest = 8;

function leaves(path: string, before: unknown, after: unknown, depth = 0): readonly FieldLine[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const isOpen = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && depth < deepest;
  if ((isOpen(before) && (after === undefined || isOpen(after))) || (before === undefined && isOpen(after))) {
    const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort();
    return names.flatMap((name) =>
      leaves(`${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, before?.[name], after?.[name], depth + 1),
    );
  }
  const [members, others] = [before ?? [], after ?? []];
  if (isNamedList(members) && isNamedList(others)) return memberLines(path, members, others, depth);
  const label = labelOf(path);
  if (isLongText(before) || isLongText(after))
    return [{ kind: 'text', label, lines: unified(asText(before), asText(after)) }];
  return [
    {
      kind: 'value',
      label,
      ...(before !== undefined && { before: formatValue(path, before) }),
      ...(after !== undefined && { after: formatValue(path, after) }),
    },
  ];
}

interface Named {
  readonly name: string;
}

const isNamed = (value: unknown): value is Named =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';

const isNamedList = (value: unknown): value is readonly Named[] => Array.isArray(value) && value.every(isNamed);

/** Members that came or went are told in one line each; those that stay field by field. */
function memberLines(
  path: string,
  before: readonly Named[],
  after: readonly Named[],
  depth: number,
): readonly FieldLine[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  return names.flatMap((name): readonly FieldLine[] => {
    const own = `${path}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const was = before.find((member) => member.name === name);
    const is = after.find((member) => member.name === name);
    if (was !== undefined && is !== undefined) return leaves(own, was, is, depth + 1);
    return [
      {
        kind: 'value',
        label: labelOf(own),
        ...(was !== undefined && { before: summary(own, was) }),
        ...(is !== undefined && { after: summary(own, is) }),
      },
    ];
  });
}

/** `mount /data, size 20GiB, source auto`: what is not switched off. */
const summary = (path: string, { name: _, ...fields }: Named): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== false && value !== 0 && value !== undefined)
    .map(
      ([field, value]) =>
        `${dimensionLabel(field)} ${isLongText(value) ? linesOf(value) : plainValue(`${path}/${field}`, value)}`,
    )
    .join(', ');

const linesOf = (value: unknown): string => `of ${asText(value).replace(/\n$/, '').split('\n').length} lines`;

const plainValue = (path: string, value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Object.values(value)
        .map((part) => formatValue(path, part))
        .join(' ')
    : formatValue(path, value);

/** `/resources/memoryBytes` → `resources.memory`; a name that contains a slash keeps it. */
function labelOf(path: string): string {
  const parts = path.split('/').slice(1);
  return parts.map((part) => dimensionLabel(part.replaceAll('~1', '/').replaceAll('~0', '~'))).join('.');
}

function formatValue(path: string, value: unknown): string {
  if (typeof value === 'number') {
    const field = path.slice(path.lastIndexOf('/') + 1);
    if (field.endsWith('Ms')) return formatDuration(value);
    if (/(Millis|Bytes|Bits)$/.test(field)) return formatAmount(field as 'cpuMillis', value);
  }
  if (typeof value === 'string') return value === '' || /^\s|\s$/.test(value) ? JSON.stringify(value) : value;
  return JSON.stringify(value);
}

const isLongText = (value: unknown): boolean =>
  (typeof value === 'string' && value.includes('\n')) || (Array.isArray(value) && JSON.stringify(value).length > 60);

function asText(value: unknown): string {
  if (value === undefined) return '';
  const items = Array.isArray(value) ? value : [value];
  return items.map((item) => (typeof item === 'string' ? item : JSON.stringify(item))).join('\n');
}

function unified(before: string, after: string): readonly string[] {
  const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);
  const patch = createTwoFilesPatch('a', 'b', ended(before), ended(after), undefined, undefined, { context: 2 });
  return patch.split('\n').filter((line, index) => index > 2 && line !== '' && !line.startsWith('\\'));
}
