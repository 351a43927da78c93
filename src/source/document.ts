import type { SourceRange } from '../model/diagnostics.ts';

/** One YAML document as plain data, with a way back to its place in the text. */
export interface SourceDocument {
  readonly source: string;
  readonly file: string;
  readonly blobId: string;
  /** Position among the file's documents, from 0. */
  readonly index: number;
  /** 1-based line of the document's first key. */
  readonly line: number;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
  /**
   * Where a JSON pointer is in the text; the nearest ancestor that exists when it does not. Parses the text again on
   * first use, since documents from the cache carry no positions and only a problem needs one.
   */
  locate(pointer: string, target: 'key' | 'value'): Promise<Location>;
}

export interface Location {
  /** Where the place is not in the document's own file: a value that a patch of another document put there. */
  readonly file?: string;
  readonly range: SourceRange;
  /** The source line of `range.line`. */
  readonly excerpt: string;
}
