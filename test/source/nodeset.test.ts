import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandNames } from '../../src/source/nodeset.ts';
import { normaliseText } from './documents.ts';

const namesOf = (pattern: string): readonly string[] => {
  const expanded = expandNames(pattern);
  assert.ok(expanded.ok, expanded.ok ? '' : expanded.reason);
  return expanded.names.map(({ name }) => name);
};

test('ranges count up with as many digits as the first has, the last bracket fastest', async () => {
  assert.deepEqual(namesOf('n-[a:b]-[09:11]'), ['n-a-09', 'n-a-10', 'n-a-11', 'n-b-09', 'n-b-10', 'n-b-11']);
  assert.deepEqual(namesOf('n[8:11]'), ['n8', 'n9', 'n10', 'n11']);
  assert.deepEqual(namesOf('single'), ['single']);
  assert.equal(namesOf('batch-[a:b]-[001:500]').length, 1000);
});

test('a pattern that makes no sense is refused with the reason', async () => {
  for (const [pattern, reason] of [
    ['n-[5:1]', /counts down/],
    ['n-[c:a]', /counts down/],
    ['n-[a:5]', /not a range/],
    ['n-[]', /not a range/],
    ['n-[1:3', /not closed/],
    ['n-[1:999999999]', /more than/],
    ['n[a:z][a:z][a:z][a:z]', /more than/],
    ['-[1:2]', /host name/],
  ] as const) {
    const expanded = expandNames(pattern);
    assert.match(expanded.ok ? 'accepted' : expanded.reason, reason, pattern);
  }
});

test('every name of a range is there once, in order', async () => {
  fc.assert(
    fc.property(fc.nat({ max: 900 }), fc.nat({ max: 300 }), (first, more) => {
      const names = namesOf(`n[${String(first).padStart(4, '0')}:${first + more}]`);
      assert.equal(new Set(names).size, more + 1);
      assert.deepEqual([...names].sort(), names);
    }),
  );
});

const set = (spec: string) => `apiVersion: muster/v1\nkind: NodeSet\nmetadata: {name: batch}\nspec:\n${spec}`;

test('the template is filled in for every node, and overrides change some', async () => {
  const { declarations, problems } = await normaliseText(
    set(`  names: "b-[a:b]-[1:3]"
  zone: "{1}"
  rack: "r{2}"
  template:
    pod: batch
    labels: {disk: ssd}
    engines: {docker: {endpoint: "tcp://{name}:2376"}}
    capacity: {cpu: 64, memory: 256GiB}
  overrides:
    - {names: "b-a-[1:2]", lifecycle: maintenance, reason: DIMM}
    - {names: b-a-2, lifecycle: offline, labels: {disk: hdd, bad: "yes"}, taints: [{key: broken}]}
`),
  );
  assert.deepEqual(problems, []);
  const nodes = new Map(declarations.nodes.map(({ item }) => [item.name as string, item]));
  assert.deepEqual(
    [...nodes.values()].map(({ name, zone, rack, lifecycle, portDomain }) => [name, zone, rack, lifecycle, portDomain]),
    [
      ['b-a-1', 'a', 'r1', 'maintenance', 'b-a-1'],
      ['b-a-2', 'a', 'r2', 'offline', 'b-a-2'],
      ['b-a-3', 'a', 'r3', 'online', 'b-a-3'],
      ['b-b-1', 'b', 'r1', 'online', 'b-b-1'],
      ['b-b-2', 'b', 'r2', 'online', 'b-b-2'],
      ['b-b-3', 'b', 'r3', 'online', 'b-b-3'],
    ],
  );
  assert.equal(nodes.get('b-b-3')?.engines.docker?.endpoint, 'tcp://b-b-3:2376');
  assert.deepEqual(nodes.get('b-a-2')?.labels, { bad: 'yes', disk: 'hdd' });
  assert.deepEqual(nodes.get('b-a-2')?.taints, [{ key: 'broken', value: '', effect: 'NoSchedule' }]);
  assert.deepEqual(nodes.get('b-a-1')?.labels, { disk: 'ssd' });
});

test('a template without placeholders makes the same nodes as one document each', async () => {
  const spec = 'pod: web, engines: {docker: {endpoint: "tcp://gw:1"}}, capacity: {cpu: 2}';
  const asSet = await normaliseText(set(`  {names: "n[1:2]", zone: z, template: {${spec}}}`));
  const asNodes = await normaliseText(
    [1, 2]
      .map((n) => `apiVersion: muster/v1\nkind: Node\nmetadata: {name: n${n}}\nspec: {zone: z, ${spec}}\n`)
      .join('---\n'),
  );
  const items = ({ declarations }: typeof asSet) => declarations.nodes.map(({ item }) => item);
  assert.deepEqual(items(asSet), items(asNodes));
});

test('what is wrong with a template is said once, not for every node', async () => {
  const { problems } = await normaliseText(
    set('  {names: "n[1:50]", template: {pod: web, engines: {process: {root: "x/{name}"}}, capacity: {cpu: 1.00001}}}'),
  );
  assert.deepEqual(
    problems.map(({ code, pointer }) => [code, pointer]),
    [['MUS1006', '/spec/template/capacity/cpu']],
  );
});
