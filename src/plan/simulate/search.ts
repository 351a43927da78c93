import type { NodeName } from '../../model/ids.ts';

/**
 * `survives`: and so does every loss of only some of these nodes · `fails`: this loss is too much; a smaller one may not
 * be · `unclear`: survived, but that says nothing about smaller losses
 */
export type Answer = 'survives' | 'fails' | 'unclear';

export interface SearchOptions {
  /** Those whose loss is likeliest to be too much first. */
  readonly nodes: readonly NodeName[];
  /** How many are lost together. */
  readonly pick: number;
  /** Most questions. */
  readonly most: number;
  /** Ends after so many combinations that fail. */
  readonly mostFailures: number;
  ask(nodes: readonly NodeName[]): Answer;
}

export interface SearchResult {
  /** Combinations of `pick` nodes that fail. */
  readonly failures: readonly (readonly NodeName[])[];
  readonly asked: number;
  /** Every combination was answered for, by itself or within a larger one. */
  readonly complete: boolean;
}

/**
 * Which combinations of so many nodes fail, without trying each: what survives the loss of many nodes together survives
 * the loss of any few of them, so one question answers for all the combinations inside it. Where the larger loss is too
 * much it is halved, the heavier half first, until a combination stands alone. Exact when it is `complete`; with room
 * to spare that takes some dozens of questions for a thousand nodes.
 *
 * The idea is that of group testing (R. Dorfman, "The Detection of Defective Members of Large Populations", 1943).
 */
export function searchLosses({ nodes, pick, most, mostFailures, ask }: SearchOptions): SearchResult {
  const failures: (readonly NodeName[])[] = [];
  const stack: Task[] = nodes.length < pick ? [] : [[{ nodes, pick }]];
  const largest = Math.max(pick, Math.floor(nodes.length * largestShare));
  let asked = 0;
  // Every turn takes a task and puts back smaller ones; questions are bounded by `most`.
  for (let task = stack.pop(); task !== undefined; task = stack.pop()) {
    const union = task.flatMap((part) => part.nodes);
    const isExact = union.length === pick;
    if (union.length <= largest) {
      if (asked >= most || failures.length >= mostFailures) return { failures, asked, complete: false };
      asked += 1;
      const answer = ask(union);
      if (isExact && answer === 'fails') failures.push(union);
      if (isExact || answer === 'survives') continue;
    }
    stack.push(...halves(task));
  }
  return { failures, asked, complete: true };
}

/** A larger share at once is not worth asking about: hardly any cluster survives it. */
const largestShare = 0.25;

/** All ways to take `pick` nodes from each part. */
type Task = readonly Part[];

interface Part {
  readonly nodes: readonly NodeName[];
  readonly pick: number;
}

/** The same combinations as smaller tasks: the loosest part is halved. The last is to be looked at first. */
function halves(task: Task): readonly Task[] {
  const loosest = task.reduce((best, part) => (slack(part) > slack(best) ? part : best));
  const others = task.filter((part) => part !== loosest);
  const middle = Math.ceil(loosest.nodes.length / 2);
  const heavy = loosest.nodes.slice(0, middle);
  const light = loosest.nodes.slice(middle);
  const tasks: Task[] = [];
  for (let ofHeavy = Math.max(0, loosest.pick - light.length); ofHeavy <= loosest.pick; ofHeavy += 1) {
    if (ofHeavy > heavy.length) break;
    const parts = [
      { nodes: heavy, pick: ofHeavy },
      { nodes: light, pick: loosest.pick - ofHeavy },
    ];
    tasks.push([...others, ...parts.filter(({ pick }) => pick > 0)]);
  }
  return tasks;
}

const slack = ({ nodes, pick }: Part): number => nodes.length - pick;
