import type { Plan } from '../model/plan.ts';

/** Rows that are joined into one chunk: large enough that writing costs little, small enough to stay flat in memory. */
const rowsPerChunk = 256;

/**
 * A plan as JSON text in chunks, one step a line, so that a plan of 200,000 steps is never one string. Valid against
 * `schema/plan.schema.json`.
 */
export function* planJsonChunks(plan: Plan): Generator<string> {
  const entries = Object.entries(plan);
  let separator = '{\n';
  for (const [key, value] of entries) {
    yield `${separator}  ${JSON.stringify(key)}: `;
    separator = ',\n';
    if (Array.isArray(value) && value.length > 0) yield* rows(value);
    else yield JSON.stringify(value);
  }
  yield '\n}\n';
}

function* rows(values: readonly unknown[]): Generator<string> {
  for (let start = 0; start < values.length; start += rowsPerChunk) {
    const lines = values.slice(start, start + rowsPerChunk).map((value) => `    ${JSON.stringify(value)}`);
    yield (start === 0 ? '[\n' : ',\n') + lines.join(',\n');
  }
  yield '\n  ]';
}
