import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Holds } from '../../src/model/recorded.ts';
import { heldTexts, pieceTexts, sharedPieces } from '../../src/render/plan-holds.ts';
import { renderPlanText } from '../../src/render/plan-text.ts';
import { assertGolden } from '../golden.ts';
import { planOf, step } from './plans.ts';

const GiB = 1024 ** 3;
const base: Holds = { cpuMillis: 4500, memoryBytes: 8 * GiB, storageBytes: 0 };
const everything: Holds = {
  ...base,
  cpuset: '0-3,7',
  cpuFragments: { '7': 500 },
  numaNode: 1,
  volumes: [
    { name: 'data', device: '/data1', bytes: 10 * GiB },
    { name: 'log', device: '/data2', bytes: 1024 * GiB, exclusive: true },
    { name: 'tmp', device: '/data1', bytes: 0 },
  ],
  devices: { 'gpu/a100': { '0': 1000, '2': 1000 }, 'gpu/t4': { '1': 250 } },
  ports: { http: 31001 },
  ip: '10.1.0.7',
};

test('what an instance gets on its node is named piece by piece', () => {
  assert.deepEqual(heldTexts(everything), [
    'cores 0-3 + 0.5 of 7',
    'numa 1',
    'data 10GiB on /data1',
    'log 1TiB on /data2, alone',
    'tmp unlimited on /data1',
    'gpu/a100 0,2',
    'gpu/t4 0.25 of 1',
    'http:31001',
    '10.1.0.7',
  ]);
  assert.deepEqual(heldTexts({ ...base, cpuset: '4', cpuFragments: { '4': 500 } }), ['cores 0.5 of 4']);
  assert.deepEqual(heldTexts(base), []);
});

test('what its predecessor had instead stands in front', () => {
  const heldBefore: Holds = { ...base, cpuset: '0-1', volumes: [{ name: 'data', device: '/data1', bytes: 5 * GiB }] };
  const update = step({ kind: 'update', ordinal: 0, over: { heldBefore, holds: everything } });
  assert.deepEqual(pieceTexts(update).slice(0, 3), [
    'cores 0-1 → 0-3 + 0.5 of 7',
    'numa 1',
    'data 5GiB → 10GiB on /data1',
  ]);
});

test('what it had before and has no more is told', () => {
  const update = step({ kind: 'update', ordinal: 0, over: { heldBefore: everything, holds: base } });
  assert.deepEqual(pieceTexts(update).slice(0, 3), [
    'cores 0-3 + 0.5 of 7 → none',
    'numa 1 → none',
    'data 10GiB on /data1 → none',
  ]);
});

test('cores and devices of the node that is left say nothing; the address and ports that change do', () => {
  const made = step({ kind: 'move', ordinal: 0, from: 'n1', node: 'n2' });
  const replaces = { ...(made.replaces ?? assert.fail()), holds: { ...everything, cpuset: '8-12', ip: '10.1.0.9' } };
  const texts = pieceTexts({ ...made, replaces, holds: everything });
  assert.equal(texts[0], 'cores 0-3 + 0.5 of 7');
  assert.equal(texts.at(-1), '10.1.0.9 → 10.1.0.7');
});

test('pieces that all have are told once', () => {
  const steps = [0, 1].map((ordinal) =>
    step({ kind: 'create', ordinal, over: { holds: { ...everything, ip: `10.1.0.${ordinal}` } } }),
  );
  const { shared, own } = sharedPieces(steps);
  assert.equal(shared.length, 8);
  assert.deepEqual(own, [['10.1.0.0'], ['10.1.0.1']]);
});

test('pieces in a plan of 80 columns read as in test/golden/plan/pieces.txt', () => {
  const held = (cpuset: string, ordinal: number): Holds => ({ ...everything, cpuset, ip: `10.1.0.${ordinal}` });
  const plan = planOf([
    step({ kind: 'create', ordinal: 0, over: { holds: held('0-3,7', 0), cause: 'new', reason: 'new' } }),
    step({ kind: 'create', ordinal: 1, over: { holds: held('8-11,7', 1), cause: 'new', reason: 'new' } }),
    step({ kind: 'update', ordinal: 2, over: { heldBefore: base, holds: { ...base, cpuset: '0-3' } } }),
    step({ kind: 'remove', ordinal: 3, over: { holds: held('0-3,7', 3), cause: 'scale', reason: '3 are wanted' } }),
  ]);
  assertGolden('plan/pieces.txt', renderPlanText(plan, { color: false, width: 80 }));
});
