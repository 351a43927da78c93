/** What was charged, newest last, as what takes it back: a refused unit leaves no trace. */
export type UndoLog = (() => void)[];

/** Takes back everything since the mark, a former length of the log. */
export function undoTo(log: UndoLog, mark: number): void {
  while (log.length > mark) log.pop()?.();
}
