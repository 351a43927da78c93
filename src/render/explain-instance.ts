import type { Strategy } from '../model/desired.ts';
import { resourcesOf } from '../model/recorded.ts';
import { piecesOf } from '../model/resources.ts';
import type { Balance } from '../plan/explain/balance.ts';
import type { InstanceExplanation, InstancePlace } from '../plan/explain/instance.ts';
import { formatAge, formatResources } from './amounts.ts';
import { elsewhereLines, lines, nextText, type Page, saidLines } from './explain-page.ts';
import { dotted, plural } from './layout.ts';
import { heldTexts } from './plan-holds.ts';

export function instanceText(explanation: InstanceExplanation, page: Page): string {
  const { id, type, at, next, elsewhere, bound } = explanation;
  const where = at === undefined ? 'is not there' : `on ${at.node}, generation ${at.generation}`;
  return [
    `${page.paint.bold(id)}  ${type}, ${where}`,
    ...(at === undefined ? [] : placeLines(page, at, explanation)),
    ...lines(page, 'why here', whyHere(explanation)),
    ...(next === undefined ? [] : [page.line(page.paint.changed('next'), nextText(next))]),
    ...(elsewhere === undefined || bound !== undefined ? [] : elsewhereLines(page, 'elsewhere', elsewhere)),
    // A refusal is about others of the workload when something is done with this one.
    ...saidLines(page, next === undefined ? explanation : { ...explanation, refusals: [] }),
  ].join('\n');
}

function placeLines(page: Page, at: InstancePlace, { target }: InstanceExplanation): readonly string[] {
  const { status, startedAt, restarts, exitCode, state, holds, revision } = at;
  const age = startedAt === undefined ? '' : ` for ${formatAge(page.now - startedAt)}`;
  const facts = [
    `${status}${status === 'running' ? age : ''}${at.available || status === 'held' ? '' : ', not available'}`,
    ...(state === 'live' ? [] : [`recorded as ${state}`]),
    ...(restarts === undefined || restarts === 0 ? [] : [`restarted ${plural(restarts, 'time')}`]),
    ...(exitCode === undefined || status === 'running' ? [] : [`exit code ${exitCode}`]),
  ];
  const isTarget = target?.revision === revision;
  const whose = isTarget
    ? target.followsGit
      ? ' (as git declares it)'
      : ' (not what git declares)'
    : ' (to be changed)';
  const held = [formatResources(piecesOf(resourcesOf(holds))), ...heldTexts(holds)];
  return [
    page.line('is', dotted(facts)),
    page.line('revision', `${revision}${target === undefined ? '' : whose}`),
    page.line('holds', dotted(held.filter((text) => text !== ''))),
  ];
}

function whyHere({
  at,
  bound,
  frozen,
  misplaced,
  next,
  balance,
  wanted,
  refusals,
}: InstanceExplanation): readonly string[] {
  const stays =
    at === undefined
      ? next === undefined
        ? refusals.length > 0
          ? 'git wants it, and it is refused'
          : 'git wants it, and it waits'
        : 'git wants it: it is about to be made'
      : bound !== undefined
        ? bound
        : next === undefined
          ? 'nothing forces it to move: what is placed stays'
          : 'the plan changes it';
  return [
    ...(wanted ? [stays] : ['git does not want it any more']),
    ...(frozen === undefined
      ? []
      : [frozen === 'inFlight' ? 'a unit of its workload is under way' : 'its workload is frozen']),
    ...(misplaced === undefined ? [] : [`nothing new would come here: nodes like it ${misplaced}`]),
    ...(balance === undefined || bound !== undefined ? [] : balanceTexts(balance)),
  ];
}

/** What the planner goes by, and how it lies. */
export function balanceTexts({ strategy, perNode, spread }: Balance): readonly string[] {
  const { fewest, most, nodes } = perNode;
  const counts =
    nodes === 0
      ? 'no node may take one now'
      : `${fewest === most ? fewest : `${fewest} to ${most}`} on each of ${plural(nodes, 'node')} that may take one`;
  return [
    `strategy ${strategy}, ${meanings[strategy]}: ${counts}`,
    ...spread.map(({ by, minDomains, counts: list }) => {
      const rule = minDomains === undefined ? '' : ` (spread: at least ${plural(minDomains, by)})`;
      const shown = list.slice(0, mostDomains).map(({ domain, instances }) => `${domain} ${instances}`);
      const hidden = list.length > mostDomains ? `, and ${list.length - mostDomains} more` : '';
      return `by ${by}: ${shown.join(', ')}${hidden}${rule}`;
    }),
  ];
}

const mostDomains = 8;

const meanings: Readonly<Record<Strategy, string>> = {
  auto: 'even counts',
  fill: 'the fewest nodes',
  each: 'the same number on every node',
  global: 'even use',
  drained: 'the fullest node first',
  pack: 'least capacity made unusable',
};
