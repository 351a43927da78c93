import { milliPerPiece } from '../../model/resources.ts';
import type { Free, Span } from './portion.ts';
import type { NodeFacts } from './resource.ts';

/** The cores of one node by position: NUMA node by NUMA node, ascending inside, so that they are filled one by one. */
export interface CoreMap {
  /** Position → core number. */
  readonly numbers: Int32Array;
  /** Core number → position; `unknownCore` for what the node does not have. */
  readonly positions: Int32Array;
  /** All of them. */
  readonly all: Span;
  /** The cores of each NUMA node; absent when nobody said which they are. */
  readonly numa: readonly Span[] | undefined;
  /** What a core is sold for, in thousandths: 1000 × overcommit. */
  readonly coreMilli: number;
}

export interface CoreState {
  readonly map: CoreMap;
  readonly free: Free;
  /** Free bytes of each NUMA node; below zero where more is held than there is. */
  readonly memory: Float64Array;
}

export const unknownCore = -1;

/** Nothing is held. A node that left git has no cores to give. */
export function openCores({ definition, cores }: NodeFacts): CoreState {
  const numa = definition?.numa;
  const lists = numa?.map(({ cpus }) => cpus) ?? [upTo(definition === undefined ? 0 : cores)];
  const numbers = new Int32Array(lists.flat());
  const coreMilli = definition?.overcommitCpuMilli ?? milliPerPiece;
  return {
    map: {
      numbers,
      positions: positionsOf(numbers),
      all: { from: 0, to: numbers.length },
      numa: numa === undefined ? undefined : spansOf(lists),
      coreMilli,
    },
    free: new Int32Array(numbers.length).fill(coreMilli),
    memory: new Float64Array(numa?.map(({ memoryBytes }) => memoryBytes) ?? []),
  };
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, core) => core);

function positionsOf(numbers: Int32Array): Int32Array {
  let count = 0;
  for (const core of numbers) count = Math.max(count, core + 1);
  const positions = new Int32Array(count).fill(unknownCore);
  for (let position = 0; position < numbers.length; position += 1) positions[numbers[position] as number] = position;
  return positions;
}

function spansOf(lists: readonly (readonly number[])[]): readonly Span[] {
  let from = 0;
  return lists.map(({ length }) => {
    const span = { from, to: from + length };
    from = span.to;
    return span;
  });
}

/** The same, to be tried on. */
export const copyOf = ({ map, free, memory }: CoreState): CoreState => ({
  map,
  free: free.slice(),
  memory: memory.slice(),
});
