import { access, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { starterFiles } from '../starter/files.ts';
import { openTerminal } from '../terminal.ts';

/** Writes the starter repo. Nothing is overwritten: one file in the way and nothing at all is written. */
export async function init(dir: string, options: { readonly color?: boolean }): Promise<ExitCode> {
  const terminal = openTerminal(options);
  const folder = resolve(dir);
  const files = starterFiles(clusterName(folder));
  const inTheWay: string[] = [];
  for (const file of files) if (await exists(join(folder, file.path))) inTheWay.push(file.path);
  if (inTheWay.length > 0) {
    throw new CliError(`${dir} already has ${inTheWay.join(', ')}; nothing was written`, {
      hint: 'Give a new directory: muster init my-cluster',
    });
  }
  for (const file of files) {
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.text, { flag: 'wx' });
  }
  const shown = relative(process.cwd(), folder) || '.';
  await terminal.result(
    [
      `Wrote ${files.length} files to ${shown}:`,
      ...files.map((file) => `  ${file.path}`),
      '',
      'Next:',
      `  muster validate ${shown}`,
      `  muster plan ${shown}`,
      `  muster apply ${shown}`,
      '',
    ].join('\n'),
  );
  return exitCodes.ok;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The directory's name as a cluster's name. */
function clusterName(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return name === '' ? 'my-cluster' : name;
}
