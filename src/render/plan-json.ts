import type { Plan } from '../model/plan.ts';

/** Characters that are joined into one chunk: enough that writing costs little, few enough to stay flat in memory. */
const chunkLength = 65_536;

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
  let text = '[';
  let separator = '\n    ';
  for (const value of values) {
    text += separator + JSON.stringify(value);
    separator = ',\n    ';
    if (text.length < chunkLength) continue;
    yield text;
    text = '';
  }
  yield `${text}\n  ]`;
}
