import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Edit, Mutant } from './catalogue.ts';

const root = join(import.meta.dirname, '../../..');

/** What the simulation of a mutant told. */
export interface Hunt {
  /** The first story that breaks a promise, and which; absent: none does. */
  readonly found?: { readonly seed: number; readonly how: string };
  readonly output: string;
}

/** Runs the simulation over a copy of the source with the mutant's places changed, until it breaks a promise. */
export async function hunt(mutant: Mutant, options: { readonly runs: number }): Promise<Hunt> {
  const folder = mkdtempSync(join(tmpdir(), 'muster-mutant-'));
  try {
    for (const part of ['src', 'test/sim', 'package.json', 'tsconfig.json'])
      cpSync(join(root, part), join(folder, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const edit of mutant.edits) apply(folder, edit);
    const { code, output } = await simulate(folder, options.runs);
    const [, seed, how = ''] = /^seed (\d+) breaks (.*)$/m.exec(output) ?? [];
    return { ...(code === 1 && seed !== undefined && { found: { seed: Number(seed), how } }), output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function apply(folder: string, { file, find, replace }: Edit): void {
  const path = join(folder, file);
  const parts = readFileSync(path, 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`);
  writeFileSync(path, parts.join(replace));
}

function simulate(folder: string, runs: number): Promise<{ readonly code: number | null; readonly output: string }> {
  const flags = ['--runs', String(runs), '--jobs', '1', '--failures', '1', '--shortest', 'no'];
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/sim/main.ts', ...flags], { cwd: folder });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}
