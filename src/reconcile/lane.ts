interface LaneOptions {
  readonly places: number;
  readonly patienceMs: number;
  readonly mostBeside: number;
}

type Lane = <Result>(work: () => Promise<Result>) => Promise<Result>;

/**
 * Runs work with a bounded number at a time, where some of it may take long for no fault of the rest: while others wait,
 * what has not ended after `patienceMs` goes on beside, and its place is the next one's. Beside there is room for
 * `mostBeside`; when that is full, places are kept.
 */
export function openLane({ places, patienceMs, mostBeside }: LaneOptions): Lane {
  const waiting: ((own: InPlace) => void)[] = [];
  /** In the order in which they began. */
  const inPlace = new Set<InPlace>();
  let beside = 0;
  let timer: NodeJS.Timeout | undefined;

  const enter = (): InPlace => {
    const own = { since: performance.now() };
    inPlace.add(own);
    return own;
  };
  const admit = (): void => {
    while (inPlace.size < places) {
      const next = waiting.shift();
      if (next === undefined) return;
      next(enter());
    }
    const [oldest] = inPlace;
    if (timer !== undefined || waiting.length === 0 || oldest === undefined || beside >= mostBeside) return;
    timer = setTimeout(stepAside, Math.max(0, oldest.since + patienceMs - performance.now())).unref();
  };
  const stepAside = (): void => {
    timer = undefined;
    for (const own of inPlace) {
      if (beside >= mostBeside || performance.now() - own.since < patienceMs) break;
      inPlace.delete(own);
      beside += 1;
    }
    admit();
  };

  return async (work) => {
    const own = await new Promise<InPlace>((resolve) => {
      waiting.push(resolve);
      admit();
    });
    try {
      return await work();
    } finally {
      if (!inPlace.delete(own)) beside -= 1;
      admit();
    }
  };
}

interface InPlace {
  /** Monotonic ms. */
  readonly since: number;
}
