import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { documentValidatorModule } from './generate/documents.ts';
import { referencePages } from './generate/reference.ts';
import { readKindSchemas } from './generate/schemas.ts';
import { schemaTypes } from './generate/types.ts';
import { schemaModule, validatorModule } from './generate/validators.ts';

/**
 * Makes from schema/: the documents' TypeScript types and docs/reference/ (committed), and the validators (built before
 * tests and releases, not committed). `--check` writes nothing committed and fails where a committed file is stale.
 */
const root = join(import.meta.dirname, '..');

async function main(): Promise<void> {
  const kinds = await readKindSchemas(join(root, 'schema'));
  const generated = join(root, 'src', 'source', 'generated');
  await write(join(generated, 'validators.ts'), validatorModule(kinds));
  await write(join(generated, 'schemas.ts'), schemaModule(kinds));
  await write(join(generated, 'documents.ts'), await documentValidatorModule(join(root, 'schema')));

  const committed = new Map<string, string>([
    [join(root, 'src', 'source', 'schema-types.generated.ts'), await schemaTypes(kinds)],
    ...[...referencePages(kinds)].map(([name, text]) => [join(root, 'docs', 'reference', name), text] as const),
  ]);
  if (!process.argv.includes('--check')) {
    for (const [path, text] of committed) await write(path, text);
    return;
  }
  const stale: string[] = [];
  for (const [path, text] of committed) if ((await current(path)) !== text) stale.push(relative(root, path));
  if (stale.length === 0) return;
  console.error(`stale, made from schema/: ${stale.join(', ')}\nrun: node --import tsx scripts/generate.ts`);
  process.exitCode = 1;
}

/** Leaves a file alone that is already as it should be, so that watchers and builds do not start for nothing. */
async function write(path: string, text: string): Promise<void> {
  if ((await current(path)) === text) return;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function current(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

await main();
