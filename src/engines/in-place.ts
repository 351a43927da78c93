import { isDeepStrictEqual } from 'node:util';
import type { Revision } from '../model/revision.ts';
import type { UpdateRequest } from './engine.ts';

/**
 * JSON pointers of what an update changes that is not among an engine's live fields, where programs share the host's ports:
 * those and devices are told by the environment, which a running program keeps.
 */
export function changedBeyond(
  liveFields: readonly string[],
  made: Pick<UpdateRequest, 'revision' | 'holds'>,
  request: UpdateRequest,
): readonly string[] {
  const before = withoutLive(made.revision, liveFields);
  const after = withoutLive(request.revision, liveFields);
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = fields.filter((field) => !isDeepStrictEqual(before[field], after[field])).map((field) => `/${field}`);
  for (const held of ['ports', 'devices'] as const) {
    if (!isDeepStrictEqual(made.holds[held] ?? {}, request.holds[held] ?? {})) changed.push(`/holds/${held}`);
  }
  return changed;
}

/** A revision without its live fields, which are `/key` or `/key/key`. */
function withoutLive(revision: Revision, liveFields: readonly string[]): Readonly<Record<string, unknown>> {
  const rest: Record<string, unknown> = { ...revision };
  for (const pointer of liveFields) {
    const [, field = '', key] = pointer.split('/');
    if (key === undefined) delete rest[field];
    else rest[field] = { ...(rest[field] as Readonly<Record<string, unknown>>), [key]: undefined };
  }
  return rest;
}
