import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import PQueue from 'p-queue';
import { mutants } from './catalogue.ts';
import { hunt } from './hunt.ts';

/**
 * `npm run sim:mutants [-- --runs N] [--only TEXT] [--from K] [--to L]`: every mutant, or those of these numbers or with this
 * in their name, has to break a promise within N stories.
 */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1500' },
    only: { type: 'string', default: '' },
    from: { type: 'string', default: '1' },
    to: { type: 'string', default: String(mutants.length) },
  },
});

const chosen = mutants
  .slice(Number(values.from) - 1, Number(values.to))
  .filter(({ name }) => name.includes(values.only));
const queue = new PQueue({ concurrency: availableParallelism() });
await queue.addAll(
  chosen.map((mutant) => async () => {
    const { found, output } = await hunt(mutant, { runs: Number(values.runs) });
    if (found === undefined) process.exitCode = 1;
    const text =
      found === undefined
        ? `MISSED  ${mutant.name}: ${output.slice(-600)}`
        : `story ${found.seed}  ${mutant.name}: ${found.how}`;
    process.stdout.write(`${text.slice(0, 800)}\n`);
  }),
);
