import type { RevisionHash } from '../../model/ids.ts';
import type { Step } from '../../model/plan.ts';
import type { Holds } from '../../model/recorded.ts';
import { milliPerPiece } from '../../model/resources.ts';
import type { Revision } from '../../model/revision.ts';
import { definitionAt } from './base.ts';
import { isPort } from './charge.ts';
import { createInPlace, type WhyNotInPlace } from './in-place.ts';
import type { ExtendedAsk, RevisionFacts } from './revision-facts.ts';
import type { Report } from './violation.ts';
import type { Check, Item, UnitWork, World } from './world.ts';

/** What is made or changed has a revision that somebody wants, holds what that asks for, and is changed in place only where its engine can. */
export function revisionsCheck(world: World, report: Report): Check {
  const whyNotInPlace = createInPlace(world);
  return {
    unit: (work) => {
      const targets = targetsOf(world, work);
      for (const item of work.items) {
        if (!item.shape.makes && !item.shape.updates) continue;
        checkTarget(item, targets, report);
        if (item.facts === undefined) continue;
        if (item.shape.updates) checkInPlace(item, item.facts, whyNotInPlace, report);
        checkAsked(world, item, item.facts, report);
      }
    },
  };
}

function checkTarget({ step, facts, old }: Item, targets: ReadonlySet<RevisionHash>, report: Report): void {
  if (facts === undefined) report('revision', step.id, `revision ${step.revision} is neither wanted nor recorded`);
  else if (!targets.has(step.revision) && old?.revision !== step.revision) {
    report('revision', step.id, `revision ${step.revision} is not the one that ${step.unit} is to have`);
  }
}

function checkInPlace({ step, old }: Item, facts: RevisionFacts, whyNot: WhyNotInPlace, report: Report): void {
  const reason = old && whyNot(old.revision, step.revision, facts.revision);
  if (reason !== undefined) report('revision', step.id, `${step.instance} cannot be changed in place: ${reason}`);
}

/** What git asks for, what a pin puts in its place, or what it falls back to once that has failed. */
function targetsOf({ inputs }: World, { id, workload }: UnitWork): ReadonlySet<RevisionHash> {
  const { overrides, workloads } = inputs.recorded;
  const targets = new Set<RevisionHash>();
  if (workload !== undefined) targets.add(workload.revisionHash);
  for (const { kind, target, until, revision } of overrides) {
    if (kind === 'pin' && target === id && until > inputs.now && revision !== undefined) targets.add(revision);
  }
  const record = workloads.get(id);
  const isKept = record?.failed.some(({ revision }) => revision === workload?.revisionHash) === true;
  // With others of its transaction it stays there for their sake: `transactions.ts` looks at them together.
  if (record?.lastGood !== undefined && (isKept || workload?.transaction !== undefined)) targets.add(record.lastGood);
  return targets;
}

function checkAsked({ base }: World, { step, node, old }: Item, facts: RevisionFacts, report: Report): void {
  const { revision } = facts;
  if (revision.engine !== step.engine) report('revision', step.id, `engine ${step.engine}, not ${revision.engine}`);
  const { holds } = step;
  if (!holdsAmounts(holds, revision)) reportHolds(step, wrongAmounts(holds, revision), report);
  if (facts.extended.length > 0 || holds.devices !== undefined)
    reportHolds(step, wrongExtended(holds, facts.extended), report);
  if (facts.published.length === 0 && holds.ports === undefined) return;
  const range = definitionAt(base, node)?.portRange;
  const before = old?.holds.ports;
  if (!holdsPorts(holds, facts, range, before)) reportHolds(step, wrongPorts(holds, facts, range, before), report);
}

function reportHolds(step: Step, wrong: readonly string[], report: Report): void {
  if (wrong.length === 0) return;
  report('revision', step.id, `${step.instance} does not hold what its revision asks for: ${wrong.join('; ')}`);
}

const holdsAmounts = (holds: Holds, { resources }: Revision): boolean =>
  holds.cpuMillis === resources.cpuMillis &&
  holds.memoryBytes === resources.memoryBytes &&
  holds.storageBytes === resources.storageBytes &&
  (holds.bandwidthBits ?? 0) === resources.bandwidthBits;

const amountNames = ['cpuMillis', 'memoryBytes', 'storageBytes', 'bandwidthBits'] as const;

const wrongAmounts = (holds: Holds, { resources }: Revision): readonly string[] =>
  amountNames.flatMap((name) =>
    (holds[name] ?? 0) === resources[name] ? [] : [`${name} ${holds[name] ?? 0}, not ${resources[name]}`],
  );

type PortRange = { readonly first: number; readonly last: number } | undefined;

/** Says the same as `wrongPorts` being empty, without making a list. */
function holdsPorts(holds: Holds, { published }: RevisionFacts, range: PortRange, old: Holds['ports']): boolean {
  let count = 0;
  for (const name in holds.ports) if (name !== '') count += 1;
  if (count !== published.length) return false;
  for (const { name, publish } of published) {
    const given = holds.ports?.[name];
    if (given === undefined || !isPort(given) || !mayGive(given, publish, range, old?.[name])) return false;
  }
  return true;
}

/** A port that was chosen is one of the node's range, unless the predecessor had it from a range that was another one then. */
const mayGive = (
  given: number,
  publish: number | 'auto' | 'none',
  range: PortRange,
  before: number | undefined,
): boolean =>
  publish === 'auto'
    ? given === before || (range !== undefined && given >= range.first && given <= range.last)
    : given === publish;

function wrongPorts(
  holds: Holds,
  { published }: RevisionFacts,
  range: PortRange,
  old: Holds['ports'],
): readonly string[] {
  const asked = new Set(published.map(({ name }) => name));
  const extra = Object.keys(holds.ports ?? {}).filter((name) => !asked.has(name));
  return [
    ...extra.map((name) => `a host port for ${name}, which is not published`),
    ...published.flatMap(({ name, publish }) => {
      const given = holds.ports?.[name];
      if (given === undefined) return [`no host port for ${name}`];
      if (!isPort(given)) return [`port ${name} at ${given}, which is no port`];
      if (mayGive(given, publish, range, old?.[name])) return [];
      return [`port ${name} at ${given}, not ${publish === 'auto' ? 'one of its node’s range' : publish}`];
    }),
  ];
}

/** In thousandths of a piece. Every ask is met by one model; what is held and not asked for is wrong as well. */
function wrongExtended({ devices = {} }: Holds, asks: readonly ExtendedAsk[]): readonly string[] {
  const held = Object.entries(devices).map(([kind, pieces]) => ({ kind, pieces: Object.values(pieces) }));
  if (!isMet(new Map(held.map(({ kind, pieces }) => [kind, sum(pieces)])), asks)) {
    const has = held.map(({ kind, pieces }) => `${kind} ${sum(pieces)}`).join(', ');
    return [`${has === '' ? 'no devices' : has}, not ${asks.map(({ kind, milli }) => `${kind} ${milli}`).join(', ')}`];
  }
  if (asks.length > held.length) return []; // several asks share one model: how they share its pieces is theirs
  return held.flatMap(({ kind, pieces }) =>
    areWhole(pieces) || pieces.length === 1 ? [] : [`parts of several pieces of ${kind}`],
  );
}

const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);
const areWhole = (pieces: readonly number[]): boolean => pieces.every((milli) => milli === milliPerPiece);

/** True when the held models can be shared out over the asks with nothing left. Asks are few, so all ways are tried. */
function isMet(held: ReadonlyMap<string, number>, asks: readonly ExtendedAsk[]): boolean {
  const [ask, ...others] = asks;
  if (ask === undefined) return [...held.values()].every((milli) => milli === 0);
  return [...held].some(
    ([kind, milli]) =>
      milli >= ask.milli && isOfKind(kind, ask.kind) && isMet(new Map(held).set(kind, milli - ask.milli), others),
  );
}

/** `gpu/a100` is of kind `gpu/a100`, `gpu/a100|v100` and `gpu/*`. */
function isOfKind(model: string, asked: string): boolean {
  const slash = asked.indexOf('/');
  if (!model.startsWith(asked.slice(0, slash + 1))) return false;
  return asked
    .slice(slash + 1)
    .split('|')
    .some((name) => name === '*' || name === model.slice(slash + 1));
}
