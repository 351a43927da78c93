/**
 * Resources as a small open set of dimensions. Every amount is an integer in the dimension's unit. Extended resources
 * (`gpu/a100`) carry their own name and count thousandths of a piece, since a piece can be shared; JSON and documents
 * write them in pieces (`piecesOf`).
 */
export type Dimension = 'cpuMillis' | 'memoryBytes' | 'storageBytes' | 'bandwidthBits' | `${string}/${string}`;

/** An amount for each dimension that is not zero. A missing dimension is zero. */
export type Resources = Readonly<Partial<Record<Dimension, number>>>;

/** The dimensions that every node has, in the order in which they are shown. */
export const baseDimensions = ['cpuMillis', 'memoryBytes', 'storageBytes', 'bandwidthBits'] as const;

/** What one piece of an extended resource counts for. */
export const milliPerPiece = 1000;

export const isExtended = (dimension: string): dimension is `${string}/${string}` => dimension.includes('/');

/** The amounts as JSON and people have them: extended resources in pieces, with three decimals at most. */
export const piecesOf = (resources: Resources): Resources => scaleExtended(resources, 1 / milliPerPiece);

/** The inverse of `piecesOf`. */
export const fromPieces = (resources: Resources): Resources => scaleExtended(resources, milliPerPiece);

/** One amount as `piecesOf` has it; `instances` is limited like a dimension and stays what it is. */
export const inPieces = (dimension: Dimension | 'instances', amount: number): number =>
  isExtended(dimension) ? roundThousandths(amount / milliPerPiece) : amount;

function scaleExtended(resources: Resources, by: number): Resources {
  const entries = Object.entries(resources) as [Dimension, number][];
  if (!entries.some(([dimension]) => isExtended(dimension))) return resources;
  return Object.fromEntries(
    entries.map(([dimension, amount]) => [dimension, isExtended(dimension) ? roundThousandths(amount * by) : amount]),
  ) as Resources;
}

const roundThousandths = (amount: number): number => Math.round(amount * 1000) / 1000;

export const noResources: Resources = Object.freeze({});

export const amountOf = (resources: Resources, dimension: Dimension): number => resources[dimension] ?? 0;

/** Dimensions that occur in a or b, base dimensions first, extended ones by name. */
export function dimensionsOf(...all: readonly Resources[]): readonly Dimension[] {
  const names = new Set<string>(all.flatMap((resources) => Object.keys(resources)));
  const extended = [...names].filter((name) => !(baseDimensions as readonly string[]).includes(name)).sort();
  return [...baseDimensions.filter((name) => names.has(name)), ...(extended as Dimension[])];
}

/** The larger of the two in every dimension. */
export function maxResources(a: Resources, b: Resources): Resources {
  const result: Partial<Record<Dimension, number>> = {};
  for (const dimension of dimensionsOf(a, b)) {
    const amount = Math.max(amountOf(a, dimension), amountOf(b, dimension));
    if (amount !== 0) result[dimension] = amount;
  }
  return result;
}
