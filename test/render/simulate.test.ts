import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeName } from '../../src/model/ids.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { headRoom } from '../../src/plan/simulate/head-room.ts';
import { simulate } from '../../src/plan/simulate.ts';
import { renderSimulation, type SimulateAnswer } from '../../src/render/simulate.ts';
import { assertGolden } from '../golden.ts';
import { GiB, node, podName, revision, spread, withRunning, workload, world } from '../plan/world.ts';

const big = revision({
  resources: { cpuMillis: 500, memoryBytes: 6 * GiB, storageBytes: 0, bandwidthBits: 0, extended: {} },
});

/** Two zones: enough room for what is small, not for the ledger; a database that belongs to its node. */
function cluster(): PlanInputs {
  const web = (name: string, zone: string) => node(name, { zone, capacity: { cpuMillis: 8000, memoryBytes: 8 * GiB } });
  return withRunning(
    world({
      nodes: [
        web('web-a-01', 'a'),
        web('web-a-02', 'a'),
        web('web-b-01', 'b'),
        web('web-b-02', 'b'),
        node('db-b-01', { zone: 'b', pod: podName('db') }),
      ],
      workloads: [
        workload('payments/agent', { type: 'daemon' }),
        workload('payments/checkout', { replicas: 5 }),
        workload('payments/db', { type: 'static', replicas: 1, placement: inPod('db') }),
        workload('payments/ledger', { replicas: 1, revision: big, hash: 'big' }),
        workload('payments/mail', { replicas: 1, onLost: 'wait' }),
      ],
    }),
    [
      ...spread('payments/agent', 4, ['web-a-01', 'web-a-02', 'web-b-01', 'web-b-02']),
      ...spread('payments/checkout', 5, ['web-a-01', 'web-a-02', 'web-b-02', 'web-b-02', 'web-b-02']),
      { workload: 'payments/db', ordinal: 0, node: 'db-b-01' },
      { workload: 'payments/ledger', ordinal: 0, node: 'web-b-01', hash: 'big' },
      { workload: 'payments/mail', ordinal: 0, node: 'web-b-02' },
    ],
    { revisions: { r1: revision(), big } },
  );
}

const inPod = (pod: string) => ({ pods: [podName(pod)], require: {}, tolerate: [], partial: true });

const zoneB = ['web-b-01', 'web-b-02', 'db-b-01'].map(nodeName);

const text = (answer: SimulateAnswer, width = 100, zones?: readonly string[]): string =>
  renderSimulation(answer, 'text', { color: false, width, zones });

const loss = (lose = zoneB): SimulateAnswer => ({ kind: 'loss', simulation: simulate(cluster(), { lose }) });
const room = (any: number): SimulateAnswer => ({ kind: 'headRoom', headRoom: headRoom(cluster(), { any }) });

describe('simulate in text', () => {
  test('a lost zone reads as in test/golden/simulate/zone.txt', () => {
    assertGolden('simulate/zone.txt', text(loss(), 100, ['b']));
  });

  test('a loss that leaves everything standing says so', () => {
    assertGolden('simulate/node.txt', text(loss([nodeName('web-a-01')])));
  });

  test('head-room reads as in test/golden/simulate/any-1.txt', () => {
    assertGolden('simulate/any-1.txt', text(room(1)));
  });

  test('of more nodes together one combination that is too much is an answer', () => {
    assertGolden('simulate/any-2.txt', text(room(2)));
  });

  test('on a narrow terminal every line is cut at words', () => {
    const longest = Math.max(
      ...text(loss(), 60, ['b'])
        .split('\n')
        .map((line) => [...line].length),
    );
    assert.ok(longest <= 60, `${longest} columns`);
  });
});

describe('simulate elsewhere', () => {
  test('markdown reads as in test/golden/simulate/*.md', () => {
    assertGolden('simulate/zone.md', renderSimulation(loss(), 'markdown', { color: false, zones: ['b'] }));
    assertGolden('simulate/any-1.md', renderSimulation(room(1), 'markdown', { color: false }));
  });

  test('text from YAML is no markup', () => {
    const answer = loss();
    assert.ok(answer.kind === 'loss');
    const evil = { ...answer.simulation, cluster: 'prod' };
    const refusals = [{ code: 'MUS4001', subject: 'x', instances: 1, message: '<b>|`x`', byReason: {} }];
    const rendered = renderSimulation({ kind: 'loss', simulation: { ...evil, refusals } }, 'markdown', {
      color: false,
    });
    assert.ok(!rendered.includes('<b>'));
  });

  test('JSON is the answer itself, with its version and kind', () => {
    const answer = room(1);
    const parsed = JSON.parse(renderSimulation(answer, 'json', { color: false })) as Record<string, unknown>;
    assert.ok(answer.kind === 'headRoom');
    assert.deepEqual(
      parsed,
      JSON.parse(JSON.stringify({ formatVersion: '1.0', kind: 'headRoom', ...answer.headRoom })),
    );
  });
});
