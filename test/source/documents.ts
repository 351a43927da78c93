import type { SourceDocument } from '../../src/source/document.ts';
import { type Declarations, normalise } from '../../src/source/normalise.ts';
import type { Problem } from '../../src/source/problem.ts';
import { readTree } from '../../src/source/read.ts';
import { loadValidator } from '../../src/source/validate.ts';

/** The documents of one file's text, as the loader reads them. */
export async function documentsOf(text: string): Promise<readonly SourceDocument[]> {
  const cache = { get: async () => undefined, put: () => {}, flush: async () => {} };
  const file = { path: 'test.yaml', blobId: 'test', sizeBytes: text.length, read: async () => text };
  const tree = { name: 'test', commit: 'worktree', files: [file], diagnostics: [] } as const;
  const read = await readTree(tree, { source: 'test', isRemote: false, cache });
  if (read.diagnostics.length > 0) throw new Error(JSON.stringify(read.diagnostics));
  return read.documents;
}

export async function problemsOf(text: string): Promise<readonly Problem[]> {
  const validate = await loadValidator();
  return (await documentsOf(text)).flatMap((document) => validate(document));
}

/** Validates and normalises; throws where a document does not fit its schema. */
export async function normaliseText(
  text: string,
): Promise<{ readonly declarations: Declarations; readonly problems: readonly Problem[] }> {
  const invalid = await problemsOf(text);
  if (invalid.length > 0) throw new Error(invalid.map(({ pointer, message }) => `${pointer}: ${message}`).join('\n'));
  return normalise(await documentsOf(text));
}
