import { assertNever } from '../model/assert.ts';
import type { Plan } from '../model/plan.ts';
import { renderPlanGithub, renderPlanJunit, renderPlanSarif } from './plan-findings.ts';
import { planJsonChunks } from './plan-json.ts';
import { renderPlanMarkdown } from './plan-markdown.ts';
import type { PlanTextOptions } from './plan-page.ts';
import { renderPlanText } from './plan-text.ts';

export const planFormats = ['text', 'json', 'markdown', 'github', 'junit', 'sarif'] as const;
export type PlanFormat = (typeof planFormats)[number];

/** A plan in any format, as chunks of text to be written one after the other. */
export function* renderPlan(plan: Plan, format: PlanFormat, options: PlanTextOptions): Generator<string> {
  switch (format) {
    case 'text':
      yield renderPlanText(plan, options);
      return;
    case 'json':
      yield* planJsonChunks(plan);
      return;
    case 'markdown':
      yield renderPlanMarkdown(plan);
      return;
    case 'github':
      yield renderPlanGithub(plan);
      return;
    case 'junit':
      yield renderPlanJunit(plan);
      return;
    case 'sarif':
      yield renderPlanSarif(plan);
      return;
    default:
      assertNever(format);
  }
}
