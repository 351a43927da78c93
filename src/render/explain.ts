import { assertNever } from '../model/assert.ts';
import type { Explanation } from '../plan/explain.ts';
import { instanceText } from './explain-instance.ts';
import { nodeText } from './explain-node.ts';
import { type ExplainTextOptions, openPage } from './explain-page.ts';
import { workloadText } from './explain-workload.ts';

export type ExplainFormat = 'text' | 'json';

/** Additive changes raise the minor version, anything else the major. */
const explanationFormatVersion = '1.0';

export function renderExplanation(
  explanation: Explanation,
  format: ExplainFormat,
  options: ExplainTextOptions,
): string {
  if (format === 'json') {
    return `${JSON.stringify({ formatVersion: explanationFormatVersion, ...explanation }, undefined, 2)}\n`;
  }
  return `${textOf(explanation, options)}\n`;
}

function textOf(explanation: Explanation, options: ExplainTextOptions): string {
  const page = openPage(options);
  switch (explanation.kind) {
    case 'instance':
      return instanceText(explanation, page);
    case 'workload':
      return workloadText(explanation, page);
    case 'node':
      return nodeText(explanation, page);
    default:
      return assertNever(explanation);
  }
}
