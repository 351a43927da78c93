import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openVerifier } from '../../src/plan/verify/base.ts';
import { parseCpuset } from '../../src/plan/verify/cpuset.ts';
import { parseIp, parseSubnet } from '../../src/plan/verify/ipv4.ts';
import { createNumberIndex, internNumber, numberOf } from '../../src/plan/verify/number-index.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { mutations } from './mutations-catalogue.ts';
import { type Scene, scenesOf } from './mutations-worlds.ts';

const scenes = scenesOf(4);

describe('an opened verifier', () => {
  it('says of many plans of one world what a new one says of each', () => {
    for (const { inputs, plan } of scenes) {
      const opened = openVerifier(inputs);
      assert.deepEqual(verifyPlan(inputs, plan, opened), []);
      const corrupted = mutations.flatMap(({ apply }) => {
        const scene = apply({ name: 'corrupted', inputs, plan });
        return scene === undefined ? [] : [scene];
      });
      assert.ok(corrupted.length > 10);
      for (const { inputs: changed, plan: wrong } of corrupted) {
        assert.deepEqual(verifyPlan(changed, wrong, opened), verifyPlan(changed, wrong));
      }
    }
  });

  it('is not asked about another world than it was opened for', () => {
    const [fresh, changed] = scenes as [Scene, Scene];
    assert.deepEqual(verifyPlan(changed.inputs, changed.plan, openVerifier(fresh.inputs)), []);
  });

  it('does not mind in which order the world is listed', () => {
    for (const { inputs, plan } of scenes) {
      const { desired, recorded, observed } = inputs;
      const turned = {
        ...inputs,
        desired: { ...desired, nodes: desired.nodes.toReversed(), workloads: desired.workloads.toReversed() },
        recorded: { ...recorded, allocations: recorded.allocations.toReversed() },
        observed: { ...observed, objects: shuffled(observed.objects) },
      };
      assert.deepEqual(verifyPlan(turned, plan), []);
    }
  });
});

/** Every third, then the rest. */
const shuffled = <Value>(list: readonly Value[]): readonly Value[] => [
  ...list.filter((_, index) => index % 3 === 0),
  ...list.filter((_, index) => index % 3 !== 0),
];

describe('a number index', () => {
  it('finds what was put in, however large, and nothing else', () => {
    const index = createNumberIndex();
    const keys = Array.from({ length: 5000 }, (_, number) => number * 1_000_003 * 1_048_576 + (number % 7));
    for (const [number, key] of keys.entries()) assert.equal(internNumber(index, key), number);
    for (const [number, key] of keys.entries()) {
      assert.equal(numberOf(index, key), number);
      assert.equal(internNumber(index, key), number);
      assert.equal(numberOf(index, key + 8), -1);
    }
  });
});

describe('text that the rules read', () => {
  it('is a list of cores, ascending', () => {
    assert.deepEqual(parseCpuset('0-2,4'), [0, 1, 2, 4]);
    assert.deepEqual(parseCpuset('7'), [7]);
    for (const text of ['', '70000', '4,2', '1,1', '3-1', 'a', '1-', ' 1']) assert.equal(parseCpuset(text), undefined);
  });

  it('is an address or a subnet', () => {
    assert.equal(parseIp('10.1.0.7'), 0x0a010007);
    assert.deepEqual(parseSubnet('10.1.2.3/16'), { first: 0x0a010000, last: 0x0a01ffff });
    for (const text of ['10.1.0', '10.1.0.256', '10.1.0.x', '']) assert.equal(parseIp(text), undefined);
    for (const text of ['10.1.0.0', '10.1.0.0/33', '10.1.0/8']) assert.equal(parseSubnet(text), undefined);
  });
});
