import { execFileSync } from 'node:child_process';
import { basename, join } from 'node:path';

/**
 * Compiles the benchmarks as the product is compiled, and returns the path of a program of this folder. Run from source,
 * every closure would be given its name anew each time that it is made: half as slow again where it matters.
 */
export function compile(source: string): string {
  const root = join(import.meta.dirname, '..');
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return join(root, '.build', 'bench', basename(source).replace(/\.ts$/, '.js'));
}
