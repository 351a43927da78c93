/** What was charged, newest last, as what takes it back: a refused unit leaves no trace. */
export interface UndoLog {
  readonly entries: (() => void)[];
  /** Off where nothing will be taken back: a plan may place hundreds of thousands of instances. */
  isOn: boolean;
}

export const openUndo = (): UndoLog => ({ entries: [], isOn: true });

export const markOf = (log: UndoLog): number => log.entries.length;

/** Takes back everything since the mark. */
export function undoTo({ entries }: UndoLog, mark: number): void {
  while (entries.length > mark) entries.pop()?.();
}
