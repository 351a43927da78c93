import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { generateRepo, writeRepo } from './generate.ts';
import { mebibytes, ms, printTable, type Run, repeats, spread, summarise } from './measure.ts';
import { generateSnapshot } from './world.ts';

/**
 * Whole processes, as a user waits for them, from a warm cache: `muster --help` and `muster plan --state` at 1,000 nodes
 * × 20,000 instances. Needs a build.
 *   node --import tsx bench/cli.ts
 */
const main = join(import.meta.dirname, '..', 'dist', 'cli', 'main.js');

async function run(): Promise<void> {
  if (!existsSync(main)) throw new Error('dist/cli/main.js is not there: run `npm run build` first');
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  try {
    const repo = join(folder, 'repo');
    await writeRepo(repo, generateRepo({ nodes: 1000, instances: 20_000, workloads: 1000, seed: 1 }));
    const state = (kind: 'fresh' | 'noChange'): string => join(folder, `${kind}.json`);
    for (const kind of ['fresh', 'noChange'] as const) {
      await generateSnapshot({ folder: repo, file: state(kind), kind, cacheDir: join(folder, 'generator-cache') });
    }
    const plan = (kind: 'fresh' | 'noChange'): readonly string[] => ['plan', repo, '--state', state(kind)];
    const rows: (readonly string[])[] = [];
    for (const [name, args] of [
      ['`muster --help`', ['--help']],
      ['`muster plan --state`, nothing runs yet', plan('fresh')],
      ['`muster plan --state`, nothing changed', plan('noChange')],
    ] as const) {
      rows.push(await measured(name, args, folder));
    }
    printTable(
      'Whole processes, 1,000 nodes × 20,000 instances',
      ['command', 'median of 5', 'range', 'CPU', 'peak memory'],
      rows,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Once to fill the cache, then five times. */
async function measured(name: string, args: readonly string[], folder: string): Promise<readonly string[]> {
  await wall(args, folder);
  const runs: Run[] = [];
  let peakBytes = 0;
  for (let repeat = 0; repeat < repeats; repeat++) {
    const result = await wall(args, folder);
    runs.push(result);
    peakBytes = Math.max(peakBytes, result.peakBytes);
  }
  const summary = summarise(runs);
  return [name, ms(summary.medianMs), spread(summary), ms(summary.cpuMs), mebibytes(peakBytes)];
}

async function wall(args: readonly string[], folder: string): Promise<Run & { readonly peakBytes: number }> {
  const start = performance.now();
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), NO_COLOR: '1' },
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  let peakBytes = 0;
  let cpuMs = 0;
  const watch = setInterval(() => {
    usageOf(child.pid).then(
      (usage) => {
        peakBytes = Math.max(peakBytes, usage.peakBytes);
        cpuMs = Math.max(cpuMs, usage.cpuMs);
      },
      () => undefined, // it has ended
    );
  }, 10);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearInterval(watch);
  if (code !== 0) throw new Error(`muster ${args.join(' ')} ended with ${code}: ${complaint}`);
  return { tookMs: performance.now() - start, cpuMs, peakBytes };
}

/** Linux's high-water mark of a process's resident memory, and its user CPU time so far (in ticks of 10 ms). */
async function usageOf(pid: number | undefined): Promise<{ readonly peakBytes: number; readonly cpuMs: number }> {
  const [status, stat] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'utf8'),
    readFile(`/proc/${pid}/stat`, 'utf8'),
  ]);
  // Fields are counted from after the command's name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    peakBytes: Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024,
    cpuMs: Number(fields[11] ?? 0) * 10,
  };
}

await run();
