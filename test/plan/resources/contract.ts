import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { usableCapacity } from '../../../src/model/capacity.ts';
import type { DesiredNode } from '../../../src/model/desired.ts';
import type { ForeignObject } from '../../../src/model/observed.ts';
import type { Revision } from '../../../src/model/revision.ts';
import type { NodeFacts, PlacedResource } from '../../../src/plan/resources/resource.ts';

/** A resource, and worlds in which it becomes scarce: small nodes, and asks that fill them up. */
export interface Sample<Ask, Held, State> {
  readonly resource: PlacedResource<Ask, Held, State>;
  readonly node: fc.Arbitrary<DesiredNode>;
  /** Revisions that ask for some of it. */
  readonly revision: fc.Arbitrary<Revision>;
  readonly foreign?: fc.Arbitrary<readonly ForeignObject[]>;
  /** False where the ask has a reason to leave what was held although it is free. Absent: it never has. */
  readonly stays?: (ask: Ask, held: Held) => boolean;
  /** True where what was held decides whether the ask fits: a volume does not change its device. Absent: it never does. */
  readonly binds?: (ask: Ask, held: Held) => boolean;
}

/** What every resource with pieces promises the planner, run against one of them. */
export function placedResourceContract<Ask, Held, State>(name: string, sample: Sample<Ask, Held, State>): void {
  const { resource } = sample;
  const stays = sample.stays ?? (() => true);
  const property = (promise: string, check: (scene: Scene) => void): void => {
    test(promise, () => fc.assert(fc.property(sceneOf(sample), check)));
  };

  describe(`${name} keeps the contract of placed resources`, () => {
    property('what is taken and given back was never taken', (scene) => {
      const { state, facts, held } = play(resource, scene);
      const before = behaviour(resource, { state, facts, scene });
      // Twice and in the same order, so that pieces are over-taken: taking never refuses.
      for (const one of [...held, ...held]) resource.take(state, one);
      for (const one of [...held, ...held]) resource.release(state, one);
      assert.deepEqual(behaviour(resource, { state, facts, scene }), before);
    });

    property('the order of taking does not matter', (scene) => {
      const { state, facts, held } = play(resource, scene);
      const other = resource.open(facts);
      for (const one of [...held].reverse()) resource.take(other, one);
      assert.deepEqual(
        behaviour(resource, { state: other, facts, scene }),
        behaviour(resource, { state, facts, scene }),
      );
    });

    property('choosing and counting take nothing, and say the same again', (scene) => {
      const { state, facts } = play(resource, scene);
      const first = behaviour(resource, { state, facts, scene });
      assert.deepEqual(behaviour(resource, { state, facts, scene }), first);
      assert.deepEqual(behaviour(resource, { ...play(resource, scene), scene }), first);
    });

    property('room is how often choosing and taking succeed', (scene) => {
      for (const revision of scene.probes) {
        const { state, facts } = play(resource, scene);
        const ask = askOf(resource, revision);
        const most = resource.room(state, ask, { node: facts, atMost: enough });
        const fewer = resource.room(state, ask, { node: facts, atMost: scene.atMost });
        assert.equal(fewer, Math.min(most, scene.atMost));
        let chosen = 0;
        while (chosen < enough && chooseAndTake(resource, { state, facts, ask }) !== undefined) chosen += 1;
        assert.equal(most, chosen);
      }
    });

    property('where there is no room the reason completes "12 of 40 nodes …"', (scene) => {
      const { state, facts } = play(resource, scene);
      for (const revision of scene.probes) {
        const ask = askOf(resource, revision);
        if (resource.room(state, ask, { node: facts, atMost: 1 }) > 0) continue;
        const { text, missing } = resource.short(state, ask, facts);
        assert.match(text, /^(?:have|lack|are) \S/);
        assert.ok(
          (Object.values(missing) as number[]).every((amount) => Number.isInteger(amount) && amount > 0),
          `missing ${JSON.stringify(missing)}`,
        );
      }
    });

    property('a successor keeps what its predecessor held, whoever else has left', (scene) => {
      const { state, facts, held } = play(resource, scene);
      const ask = askOf(resource, scene.last);
      const keep = chooseAndTake(resource, { state, facts, ask });
      if (keep === undefined || !stays(ask, keep)) return;
      for (const one of held) resource.release(state, one);
      resource.release(state, keep);
      assert.deepEqual(resource.choose(state, ask, { node: facts, keep }), keep);
    });

    property('what a successor keeps is never in the way of its fitting', (scene) => {
      const { state, facts } = play(resource, scene);
      const keep = chooseAndTake(resource, { state, facts, ask: askOf(resource, scene.last) });
      if (keep === undefined) return;
      resource.release(state, keep);
      for (const revision of scene.probes) {
        const ask = askOf(resource, revision);
        if (sample.binds?.(ask, keep) === true) continue;
        const alone = resource.choose(state, ask, { node: facts, keep: undefined });
        const kept = resource.choose(state, ask, { node: facts, keep });
        assert.equal(kept === undefined, alone === undefined);
      }
    });

    property('what is written down is read back', (scene) => {
      for (const { held, revision } of play(resource, scene).stayed) {
        const { cpuMillis, memoryBytes, storageBytes } = revision.resources;
        const holds = { cpuMillis, memoryBytes, storageBytes, ...resource.holdsOf(held) };
        assert.deepEqual(resource.heldOf(JSON.parse(JSON.stringify(holds))), held);
      }
    });

    property('two that take each other’s place hold the same together, whichever is counted first', (scene) => {
      const { state, facts, held } = play(resource, scene);
      const other = resource.open(facts);
      for (const one of held) resource.take(other, one);
      const a = resource.choose(state, askOf(resource, scene.last), { node: facts, keep: undefined });
      const b = resource.choose(state, askOf(resource, scene.probes[0] ?? scene.last), { node: facts, keep: a });
      if (a === undefined || b === undefined) return;
      assert.equal(resource.beyond(a, a), undefined);
      takeBoth(resource, state, { first: a, second: b });
      takeBoth(resource, other, { first: b, second: a });
      assert.deepEqual(
        behaviour(resource, { state: other, facts, scene }),
        behaviour(resource, { state, facts, scene }),
      );
    });

    property('a node that left git has nothing to give, and what is held there is still held', (scene) => {
      const { held } = play(resource, scene);
      const gone: NodeFacts = { ...factsOf(scene.node, scene.foreign), definition: undefined, cores: 0, usable: {} };
      const state = resource.open(gone);
      for (const one of held) resource.take(state, one);
      for (const one of held) resource.release(state, one);
      assert.equal(typeof resource.poolOf(gone), 'string');
    });
  });
}

/** More than fit anywhere here. */
const enough = 200;

interface Scene {
  readonly node: DesiredNode;
  readonly foreign: readonly ForeignObject[];
  /** What is placed first, one after the other; those that find no room are left out. */
  readonly arrivals: readonly Revision[];
  /** Which of those placed leave again, so that there are gaps. */
  readonly leaving: readonly boolean[];
  readonly last: Revision;
  /** What a state is asked, to tell it from another. */
  readonly probes: readonly Revision[];
  readonly atMost: number;
}

function sceneOf<Ask, Held, State>(sample: Sample<Ask, Held, State>): fc.Arbitrary<Scene> {
  return fc.record({
    node: sample.node,
    foreign: sample.foreign ?? fc.constant<readonly ForeignObject[]>([]),
    arrivals: fc.array(sample.revision, { maxLength: 8 }),
    leaving: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    last: sample.revision,
    probes: fc.array(sample.revision, { minLength: 1, maxLength: 3 }),
    atMost: fc.nat({ max: 12 }),
  });
}

/** A state in which some have come and some have left, and what those who stayed hold. */
function play<Ask, Held, State>(
  resource: PlacedResource<Ask, Held, State>,
  scene: Scene,
): {
  readonly state: State;
  readonly facts: NodeFacts;
  readonly held: readonly Held[];
  readonly stayed: readonly { readonly held: Held; readonly revision: Revision }[];
} {
  const facts = factsOf(scene.node, scene.foreign);
  const state = resource.open(facts);
  const placed = scene.arrivals.flatMap((revision) => {
    const held = chooseAndTake(resource, { state, facts, ask: askOf(resource, revision) });
    return held === undefined ? [] : [{ held, revision }];
  });
  const stayed = placed.filter((_, index) => scene.leaving[index] !== true);
  for (const { held } of placed.filter((one) => !stayed.includes(one))) resource.release(state, held);
  return { state, facts, held: stayed.map(({ held }) => held), stayed };
}

/** All that the planner can see of a state. */
function behaviour<Ask, Held, State>(
  resource: PlacedResource<Ask, Held, State>,
  { state, facts, scene }: { readonly state: State; readonly facts: NodeFacts; readonly scene: Scene },
): unknown {
  return [scene.last, ...scene.probes].map((revision) => {
    const ask = askOf(resource, revision);
    return {
      chosen: resource.choose(state, ask, { node: facts, keep: undefined }),
      room: resource.room(state, ask, { node: facts, atMost: enough }),
      short: resource.short(state, ask, facts),
    };
  });
}

function askOf<Ask, Held, State>(resource: PlacedResource<Ask, Held, State>, revision: Revision): Ask {
  const ask = resource.askOf(revision);
  assert.ok(ask !== undefined, 'the sample asks for something');
  return ask;
}

function chooseAndTake<Ask, Held, State>(
  resource: PlacedResource<Ask, Held, State>,
  { state, facts, ask }: { readonly state: State; readonly facts: NodeFacts; readonly ask: Ask },
): Held | undefined {
  const held = resource.choose(state, ask, { node: facts, keep: undefined });
  if (held !== undefined) resource.take(state, held);
  return held;
}

/** The union of the two, as a unit is charged that goes from one to the other. */
function takeBoth<Ask, Held, State>(
  resource: PlacedResource<Ask, Held, State>,
  state: State,
  { first, second }: { readonly first: Held; readonly second: Held },
): void {
  resource.take(state, first);
  const rest = resource.beyond(second, first);
  if (rest !== undefined) resource.take(state, rest);
}

/** What the planner tells a resource of a node that nobody has observed. */
export function factsOf(definition: DesiredNode, foreign: readonly ForeignObject[] = []): NodeFacts {
  return {
    name: definition.name,
    definition,
    usable: usableCapacity({ definition, observed: undefined, recorded: undefined }),
    cores: Math.floor((definition.capacity.cpuMillis ?? 0) / 1000),
    foreign,
  };
}
