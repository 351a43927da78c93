import type { Diagnostic } from '../model/diagnostics.ts';
import { SourceError } from './error.ts';
import { maxFileBytes, maxFiles } from './limits.ts';

/** A problem of a whole file, or of the source as a whole when no file is given. */
export function fileProblem(problem: {
  readonly code: string;
  readonly message: string;
  readonly file?: string;
  readonly hint?: string;
  readonly severity?: 'error' | 'warning';
}): Diagnostic {
  const { code, message, file = '', hint, severity = 'error' } = problem;
  return { code, severity, message, file, ...(hint !== undefined && { hint }) };
}

export function tooLarge(file: string, sizeBytes: number): Diagnostic {
  return {
    ...fileProblem({
      code: 'MUS1108',
      file,
      message: 'the file is too large to be configuration',
      hint: 'split it into several files',
    }),
    found: `${sizeBytes} bytes`,
    allowed: [`at most ${maxFileBytes} bytes (1 MiB)`],
  };
}

export const tooManyFiles = (source: string): Diagnostic =>
  fileProblem({
    code: 'MUS1109',
    message: `the source ${source} holds more than ${maxFiles} YAML files`,
    hint: 'point its path at the directory with the cluster’s files',
  });

/** A link whose target would be another one on another machine. */
export const linkLeaves = (file: string, target: string): Diagnostic =>
  fileProblem({
    code: 'MUS1107',
    file,
    message: `the symbolic link points out of the repository, at ${target}`,
    hint: 'move what it points at into the repository, or delete the link',
  });

export const linkToNothing = (file: string): Diagnostic =>
  fileProblem({
    code: 'MUS1113',
    file,
    message: 'the symbolic link points at nothing, or at itself',
    hint: 'mend or delete the link',
  });

/** The text of a file. Throws `SourceError` at the first byte that is not UTF-8; a byte order mark is dropped. */
export function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SourceError(notUtf8(bytes, file), { retryable: false, cause: error });
  }
}

function notUtf8(bytes: Uint8Array, file: string): Diagnostic {
  const before = validPrefix(bytes);
  const lines = new TextDecoder().decode(bytes.subarray(0, before)).split('\n');
  const line = lines.length;
  const column = (lines.at(-1)?.length ?? 0) + 1;
  const shown = new TextDecoder().decode(bytes).split('\n')[line - 1] ?? '';
  const byte = (bytes[before] ?? 0).toString(16).padStart(2, '0');
  return {
    ...fileProblem({ code: 'MUS1111', file, message: 'the file is not UTF-8 text', hint: 'save the file as UTF-8' }),
    found: `byte 0x${byte}`,
    range: { line, column, endLine: line, endColumn: column + 1 },
    excerpt: shown.replace(/\r$/, ''),
  };
}

/** How many bytes at the start are valid UTF-8, by halving: a prefix may only end inside its last character. */
function validPrefix(bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.byteLength;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isValid(bytes.subarray(0, middle), { stream: true })) low = middle;
    else high = middle - 1;
  }
  // The last character may have begun well and gone on badly: it is the one at fault.
  while (low > 0 && !isValid(bytes.subarray(0, low), { stream: false })) low -= 1;
  return low;
}

function isValid(bytes: Uint8Array, options: { readonly stream: boolean }): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, options);
    return true;
  } catch {
    return false;
  }
}
