/** Work that goes on beside the passes of one term of leadership: runs, recoveries, engines that are closed after their last run. */
export interface UnderWay {
  /** Calls `ended` when it is over. An error is a bug, and is thrown by `check`. */
  start(work: Promise<void>, ended: () => void): void;
  isBusy(): boolean;
  /** Throws what work that is over threw. */
  check(): void;
  /** Waits for what is under way now, whatever becomes of it. */
  idle(): Promise<void>;
}

export function openUnderWay(): UnderWay {
  const going = new Set<Promise<void>>();
  let fault: { readonly error: unknown } | undefined;
  return {
    start: (work, ended) => {
      const one = work
        .catch((error: unknown) => {
          fault ??= { error };
        })
        .finally(() => {
          going.delete(one);
          ended();
        });
      going.add(one);
    },
    isBusy: () => going.size > 0,
    check: () => {
      if (fault !== undefined) throw fault.error;
    },
    idle: async () => void (await Promise.all(going)),
  };
}
