import { type WorkloadId, workloadId } from '../model/ids.ts';
import type { Parsed } from '../model/units.ts';
import type { SourceDocument } from './document.ts';
import { fieldName, shown } from './pointer.ts';
import type { Problem } from './problem.ts';

/** The document that is being normalised, and where its problems go. */
export interface Reading {
  readonly document: SourceDocument;
  readonly problems: Problem[];
}

/** A part of the document that is being read. */
export interface Where {
  readonly reading: Reading;
  readonly pointer: string;
}

export function report(reading: Reading, problem: Omit<Problem, 'document'>): void {
  reading.problems.push({ document: reading.document, ...problem });
}

/** A quantity of the document, or `fallback` where it is absent (or refused: then the problem is reported). */
export function quantity<Value, Fallback>(
  reading: Reading,
  parse: (input: string | number) => Parsed<Value>,
  field: { readonly value: string | number | undefined; readonly pointer: string; readonly fallback: Fallback },
): Value | Fallback {
  const { value, pointer, fallback } = field;
  if (value === undefined) return fallback;
  const parsed = parse(value);
  if (parsed.ok) return parsed.value;
  report(reading, {
    code: 'MUS1006',
    pointer,
    message: `${fieldName(pointer)}: ${parsed.reason}`,
    found: shown(value),
  });
  return fallback;
}

/** `namespace/name`, or `name` in the namespace of the document that says it. */
export function workloadIdOf(reference: string, namespace: string): WorkloadId {
  const slash = reference.indexOf('/');
  return slash === -1
    ? workloadId(namespace, reference)
    : workloadId(reference.slice(0, slash), reference.slice(slash + 1));
}
