import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { needsPrivateDockerd } from '../bed/docker.ts';
import { needsEtcd } from '../bed/etcd.ts';
import { needsNetworks } from '../bed/network.ts';
import { faults } from './faults.ts';
import { type Injected, inject } from './inject.ts';
import { tableOf, withTable } from './table.ts';

/**
 * `npm run torture -- [--seed N] [--only kill,space] [--share 0.1] [--write]`: does to the real binary, a real etcd and a
 * real dockerd what breaks them, and prints the table of docs/reliability.md, or writes it there. Needs root. Ends with 1
 * when anything was lost, doubled or otherwise wrong.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    share: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
});

const report = join(resolve(import.meta.dirname, '../..'), 'docs/reliability.md');
const missing = [needsEtcd(), await needsPrivateDockerd(), needsNetworks()].flatMap(({ skip }) => skip ?? []);
if (missing.length > 0) {
  process.stderr.write(`${missing.join('\n')}\n`);
  process.exit(2);
}

const ids = values.only?.split(',');
const unknown = ids?.filter((id) => !faults.some((fault) => fault.id === id)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(`no fault ${unknown.join(', ')}; there are ${faults.map(({ id }) => id).join(', ')}\n`);
  process.exit(2);
}

const seed = Number(values.seed);
const done: Injected[] = [];
for (const fault of faults.filter(({ id }) => ids?.includes(id) ?? true)) {
  const times = Math.max(1, Math.round(fault.times.whole * Number(values.share)));
  const say = (text: string): void => void process.stderr.write(`${fault.id}: ${text}\n`);
  done.push({ fault, findings: await inject(fault, { times, seed, say }) });
}
process.stdout.write(`${tableOf(done)}\n`);
const wrong = done.flatMap(({ fault, findings }) => findings.wrong.map((text) => `${fault.id}: ${text}`));
for (const text of wrong) process.stdout.write(`WRONG ${text}\n`);
const names = faults.map(({ what }) => what);
if (values.write) writeFileSync(report, withTable(readFileSync(report, 'utf8'), done, names));
process.exitCode = wrong.length > 0 ? 1 : 0;
