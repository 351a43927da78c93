/**
 * Resources as a small open set of dimensions. Every amount is an integer in the dimension's unit; extended
 * resources (`gpu/a100`) carry their own name and count whole pieces.
 */
export type Dimension = 'cpuMillis' | 'memoryBytes' | 'storageBytes' | 'bandwidthBits' | `${string}/${string}`;

/** An amount for each dimension that is not zero. A missing dimension is zero. */
export type Resources = Readonly<Partial<Record<Dimension, number>>>;

/** The dimensions that every node has, in the order in which they are shown. */
export const baseDimensions = ['cpuMillis', 'memoryBytes', 'storageBytes', 'bandwidthBits'] as const;

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
