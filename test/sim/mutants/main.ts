import { parseArgs } from 'node:util';
import { mutants } from './catalogue.ts';
import { hunt } from './hunt.ts';

/** `npm run sim:mutants [-- --runs N] [-- --only TEXT]`: every mutant has to break a promise within N stories. */
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '1500' }, only: { type: 'string', default: '' } },
});

for (const mutant of mutants.filter(({ name }) => name.includes(values.only))) {
  const { found, output } = await hunt(mutant, { runs: Number(values.runs) });
  if (!found) process.exitCode = 1;
  const by = /^(seed .*)$/m.exec(output)?.[1] ?? output;
  process.stdout.write(`${found ? 'found ' : 'MISSED'}  ${mutant.name}: ${by.slice(0, 200)}\n`);
}
