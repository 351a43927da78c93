import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { LineCounter, parseAllDocuments } from 'yaml';
import { generateRepo, writeRepo } from './generate.ts';
import { measure, mebibytes, ms, printTable, ratio, spread } from './measure.ts';
import { loadRepo } from './world.ts';

/**
 * Loading a config repo, compared in the same run with parsing the same texts with the YAML library alone.
 *   node --import tsx bench/load.ts [--workloads 5000]
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { workloads: { type: 'string', default: '5000' } } });
  const workloads = Number(values.workloads);
  const files = generateRepo({ nodes: 1000, instances: workloads * 4, workloads, seed: 1 });
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  try {
    const repo = join(folder, 'repo');
    const cache = join(folder, 'cache');
    await writeRepo(repo, files);
    const texts = [...files.values()];
    const parse = await measure(() => {
      for (const text of texts)
        for (const document of parseAllDocuments(text, { lineCounter: new LineCounter() })) document.toJS();
    });
    const cold = await measure(async () => {
      await rm(cache, { recursive: true, force: true });
      await loadRepo(repo, cache);
    });
    const warm = await measure(() => loadRepo(repo, cache));
    const row = (name: string, measured: typeof parse): readonly string[] => [
      name,
      ms(measured.medianMs),
      spread(measured),
      ms(measured.cpuMs),
      ratio(measured.cpuMs / parse.cpuMs),
    ];
    printTable(
      `Loading ${files.size} files with ${workloads} workloads`,
      ['work', 'median of 5', 'range', 'CPU', 'CPU to parsing alone'],
      [
        row('parsing alone with `yaml`', parse),
        row('loading, nothing in the cache', cold),
        row('loading, everything in the cache', warm),
      ],
    );
    console.log(`Peak resident memory: ${mebibytes(process.resourceUsage().maxRSS * 1024)}\n`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

await main();
