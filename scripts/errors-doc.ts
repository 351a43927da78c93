import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codes } from '../src/model/codes.ts';

/** Writes docs/errors.md from the table of codes; with `--check` only says whether it is up to date. */
const path = join(import.meta.dirname, '..', 'docs', 'errors.md');

const groups: readonly { readonly prefix: string; readonly title: string; readonly about: string }[] = [
  {
    prefix: 'MUS1',
    title: 'Sources and configuration',
    about: 'Mistakes in the config repo, and reasons why it cannot be read.',
  },
  { prefix: 'MUS2', title: 'Store', about: 'Where Muster keeps what it recorded.' },
  { prefix: 'MUS3', title: 'Engines', about: 'What runs the instances.' },
  { prefix: 'MUS4', title: 'Refusals', about: 'What a plan does not do, and why. A refusal blocks its own unit only.' },
  { prefix: 'MUS5', title: 'Plan warnings', about: 'A plan with warnings can be applied.' },
  { prefix: 'MUS6', title: 'Apply and run', about: 'What can go wrong while a plan is carried out.' },
];

function errorsDoc(): string {
  const sections = groups.map(({ prefix, title, about }) => {
    const entries = Object.entries(codes).filter(([code]) => code.startsWith(prefix));
    return entries.length === 0 ? '' : [`## ${title}`, about, ...entries.sort(byCode).map(section)].join('\n\n');
  });
  const intro = [
    '# Error catalogue',
    '<!-- Generated from src/model/codes.ts by scripts/errors-doc.ts: edit the table, not this page. -->',
    'Every message of Muster that can be acted on carries a code. The code stays the same when the wording changes.',
  ];
  return `${[...intro, ...sections.filter((text) => text !== '')].join('\n\n')}\n`;
}

const byCode = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

const section = ([code, { title, cause, remedy }]: readonly [string, (typeof codes)[string]]): string =>
  [`### ${code}: ${title}`, cause, `**What to do:** ${remedy}`].join('\n\n');

const wanted = errorsDoc();
if (!process.argv.includes('--check')) {
  writeFileSync(path, wanted);
} else if (readFileSync(path, 'utf8') !== wanted) {
  console.error('docs/errors.md is not what src/model/codes.ts says: run `node --import tsx scripts/errors-doc.ts`');
  process.exitCode = 1;
}
