/** A value in a few words, for messages. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
  return String(value);
}

/** `/spec/ports/0/port` → `spec.ports[0].port` */
export function fieldName(pointer: string): string {
  if (pointer === '') return 'the document';
  const parts = pointer.split('/').slice(1).map(unescapePointer);
  return parts.reduce(
    (text, part) => (/^\d+$/.test(part) ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** A key as a part of a JSON pointer. */
export const escapePointer = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
/** The key that a part of a JSON pointer stands for. */
export const unescapePointer = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');
