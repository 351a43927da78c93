import type { Step } from '../model/plan.ts';
import { usableWidth } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';

export interface PlanTextOptions {
  readonly color: boolean;
  /** Columns of the terminal. */
  readonly width?: number | undefined;
  /** Show everything, however long. */
  readonly all?: boolean | undefined;
}

/** The terminal that a plan is laid out for. */
export interface Page {
  readonly width: number;
  readonly paint: Paint;
  readonly all: boolean;
}

export const openPage = (options: PlanTextOptions): Page => ({
  width: usableWidth(options.width),
  paint: createPaint(options),
  all: options.all ?? false,
});

/** How to see what is left out. */
export const moreText = (hidden: number, { paint }: Page, what: string): string =>
  paint.dim(`… and ${hidden} more ${what} (muster show PLAN --all, or -o json)`);

/** As many as a person has patience for. */
export const cut = <Item>(items: readonly Item[], most: number, { all }: Page): readonly Item[] =>
  all ? items : items.slice(0, most);

/** A text in the colour of a kind of step. */
export function paintKind({ kind }: Step, text: string, paint: Paint): string {
  switch (kind) {
    case 'create':
      return paint.good(text);
    case 'stop':
    case 'remove':
      return paint.bad(text);
    case 'move':
      return paint.moved(text);
    case 'forget':
      return paint.dim(text);
    default:
      return paint.changed(text);
  }
}
