import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { verifyPlan } from '../../src/plan/verify.ts';
import { mutations } from './mutations-catalogue.ts';
import { twoTogether } from './mutations-transactions.ts';
import { roomMadeByHand, scenesOf, seeds } from './mutations-worlds.ts';
import { planText } from './world.ts';

/**
 * A verifier is worth what it catches: correct plans of generated worlds, corrupted in every way that we know, one at a
 * time. A way that fits none of the worlds is a hole in the worlds, and fails.
 */
const scenes = [...seeds.flatMap(scenesOf), roomMadeByHand(), twoTogether()];

describe('verifyPlan', () => {
  for (const { name, inputs, plan } of scenes) {
    it(`finds nothing wrong with ${name}`, () => {
      assert.deepEqual(verifyPlan(inputs, plan), [], planText(plan));
    });
  }

  for (const { name, rule, apply } of mutations) {
    it(`catches a plan that was changed to ${name}, and calls it ${rule}`, () => {
      let applied = 0;
      for (const scene of scenes) {
        const corrupted = apply(scene);
        if (corrupted === undefined) continue;
        applied += 1;
        const found = verifyPlan(corrupted.inputs, corrupted.plan);
        assert.ok(
          found.some((violation) => violation.rule === rule),
          `${scene.name}: expected '${rule}', found ${JSON.stringify(found.slice(0, 5), null, 2)}\n${planText(corrupted.plan)}`,
        );
      }
      assert.ok(applied > 0, 'none of the worlds has anything that could be corrupted so');
    });
  }
});
