import { type DeviceAsk, matches } from '../resources/device-choice.ts';

/** What an instance asks for, as far as packing looks at it. */
export interface PackAsk {
  /** Equal for asks that are the same. */
  readonly key: string;
  /** Amounts in the base dimensions. */
  readonly counted: Float64Array;
  /** Empty where it asks for no device. */
  readonly devices: readonly DeviceAsk[];
}

export function packAskOf(counted: Float64Array, devices: readonly DeviceAsk[] = []): PackAsk {
  const pieces = devices.map(({ kind, whole, part }) => `${kind}:${whole}:${part}`);
  return { key: `${counted.join()} ${pieces.join()}`, counted, devices };
}

/** How many instances git wants of what asks for so much. */
export interface Wanted {
  readonly ask: PackAsk;
  readonly instances: number;
}

/** The classes of asks, the most popular first, as columns. */
export interface Demand {
  readonly size: number;
  /** How many instances are wanted of each class. */
  readonly instances: Float64Array;
  /** Classes × base dimensions. */
  readonly counted: Float64Array;
  /** The device asks of class c are those from `firstAsk[c]` up to, and without, `firstAsk[c + 1]`. */
  readonly firstAsk: Int32Array;
  readonly whole: Int32Array;
  readonly part: Int32Array;
  /** Device asks × kinds: 1 where a device of the kind will do. */
  readonly accepts: Uint8Array;
  /** All kinds of devices that there are. */
  readonly kinds: readonly string[];
}

/** The most popular classes stand for all: what is rarer would change little but the time that it takes. */
const mostClasses = 256;

export function compileDemand(wanted: readonly Wanted[], kinds: readonly string[]): Demand {
  const classes = classesOf(wanted);
  const devices = classes.flatMap(({ ask }) => ask.devices);
  const firstAsk = new Int32Array(classes.length + 1);
  for (const [index, { ask }] of classes.entries())
    firstAsk[index + 1] = (firstAsk[index] as number) + ask.devices.length;
  return {
    size: classes.length,
    instances: Float64Array.from(classes, ({ instances }) => instances),
    counted: Float64Array.from(classes.flatMap(({ ask }) => [...ask.counted])),
    firstAsk,
    whole: Int32Array.from(devices, ({ whole }) => whole),
    part: Int32Array.from(devices, ({ part }) => part),
    accepts: Uint8Array.from(devices.flatMap((ask) => kinds.map((kind) => (matches(ask, kind) ? 1 : 0)))),
    kinds,
  };
}

/** Equal asks together, the most popular first; the order in which they were declared changes nothing. */
function classesOf(wanted: readonly Wanted[]): readonly Wanted[] {
  const classes = new Map<string, { ask: PackAsk; instances: number }>();
  for (const { ask, instances } of wanted) {
    if (instances === 0 || (ask.devices.length === 0 && ask.counted.every((amount) => amount === 0))) continue;
    const known = classes.get(ask.key);
    if (known === undefined) classes.set(ask.key, { ask, instances });
    else known.instances += instances;
  }
  return [...classes]
    .sort(([a, { instances: x }], [b, { instances: y }]) => y - x || (a < b ? -1 : 1))
    .slice(0, mostClasses)
    .map(([, known]) => known);
}
