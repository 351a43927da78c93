import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SourceDocument } from '../../src/source/document.ts';
import { applyPatches } from '../../src/source/patch.ts';

/** A document whose places are the pointers themselves: `file` says whose pointer was asked for. */
function documentOf(kind: string, value: Readonly<Record<string, unknown>>): SourceDocument {
  return {
    source: 'config',
    file: `${kind}.yaml`,
    blobId: '',
    index: 0,
    line: 1,
    kind,
    namespace: 'default',
    name: 'shop',
    value,
    locate: async (pointer) => ({ range: { line: 1, column: 1, endLine: 1, endColumn: 1 }, excerpt: pointer }),
  };
}

const clusterWith = (...patches: readonly unknown[]): SourceDocument => documentOf('Cluster', { spec: { patches } });
const target = { kind: 'Workload' };

function merged(base: unknown, merge: unknown): unknown {
  const cluster = clusterWith({ target, merge: { spec: merge } });
  const { documents, problems } = applyPatches(cluster, [documentOf('Workload', { spec: base })]);
  assert.deepEqual(problems, []);
  return documents[0]?.value['spec'];
}

test('maps merge, named lists merge by name, other lists are replaced, null deletes', () => {
  assert.deepEqual(merged({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 4, e: 5 } }), { a: 1, b: { c: 2, d: 4, e: 5 } });
  assert.deepEqual(merged({ a: 1, b: 2 }, { b: null, c: null }), { a: 1 });
  assert.deepEqual(merged({ args: ['x', 'y'] }, { args: ['z'] }), { args: ['z'] });
  assert.deepEqual(merged({ args: ['x', 'y'] }, { args: [] }), { args: [] });
  const ports = [
    { name: 'http', port: 80, publish: 'auto' },
    { name: 'admin', port: 81 },
  ];
  assert.deepEqual(
    merged(
      { ports },
      {
        ports: [
          { name: 'new', port: 9 },
          { name: 'http', port: 8080 },
        ],
      },
    ),
    {
      ports: [
        { name: 'http', port: 8080, publish: 'auto' },
        { name: 'admin', port: 81 },
        { name: 'new', port: 9 },
      ],
    },
  );
  assert.deepEqual(merged({ ports }, { ports: [{ name: 'http', publish: null }] }), {
    ports: [
      { name: 'http', port: 80 },
      { name: 'admin', port: 81 },
    ],
  });
  assert.deepEqual(merged({ a: { b: 1 } }, { a: 'text' }), { a: 'text' });
  assert.deepEqual(merged({ a: 1 }, { b: { c: { d: null, e: 1 } } }), { a: 1, b: { c: { e: 1 } } });
});

test('what a patch put there is located in the patch, everything else in the document', async () => {
  const base = { replicas: 1, env: { A: '1' }, ports: [{ name: 'http', port: 80 }], 'a/b': {} };
  const merge = {
    spec: {
      replicas: 2,
      env: { B: '2' },
      ports: [
        { name: 'new', port: 1 },
        { name: 'http', port: 81 },
      ],
      'a/b': { c: 1 },
    },
  };
  const cluster = clusterWith({ target: { kind: 'Pod' }, merge: {} }, { target, merge });
  const { documents } = applyPatches(cluster, [documentOf('Workload', { spec: base })]);
  const place = async (pointer: string) => {
    const { file = 'Workload.yaml', excerpt } = (await documents[0]?.locate(pointer, 'value')) ?? {};
    return `${file} ${excerpt}`;
  };
  const patch = 'Cluster.yaml /spec/patches/1/merge/spec';
  assert.equal(await place('/spec/replicas'), `${patch}/replicas`);
  assert.equal(await place('/spec/env/B'), `${patch}/env/B`);
  assert.equal(await place('/spec/env/A'), 'Workload.yaml /spec/env/A');
  assert.equal(await place('/spec/env'), 'Workload.yaml /spec/env');
  assert.equal(await place('/spec/ports/0/port'), `${patch}/ports/1/port`);
  assert.equal(await place('/spec/ports/0/name'), 'Workload.yaml /spec/ports/0/name');
  assert.equal(await place('/spec/ports/1/port'), `${patch}/ports/0/port`);
  assert.equal(await place('/spec/a~1b/c'), `${patch}/a~1b/c`);
});

test('targets are met by kind, namespace and name, with stars; what meets nothing is an error', () => {
  const document = documentOf('Workload', { spec: {} });
  const codes = (wanted: Readonly<Record<string, string>>) =>
    applyPatches(clusterWith({ target: wanted, merge: { spec: {} } }), [document]).problems.map(({ code }) => code);
  assert.deepEqual(codes({ kind: 'Workload' }), []);
  assert.deepEqual(codes({ kind: 'Workload', name: 's*p', namespace: '*' }), []);
  assert.deepEqual(codes({ kind: 'Workload', name: 'shop*shop' }), ['MUS1205']);
  assert.deepEqual(codes({ kind: 'Workload', name: 'shops' }), ['MUS1205']);
  assert.deepEqual(codes({ kind: 'Workload', namespace: 'other' }), ['MUS1205']);
  assert.deepEqual(codes({ kind: 'Pod' }), ['MUS1205']);
  assert.deepEqual(codes({ kind: 'Workload', name: `${'*s'.repeat(31)}x` }), ['MUS1205'], 'and does not take for ever');
});

test('a patch cannot make a document another one', () => {
  for (const merge of [
    { kind: 'Pod' },
    { apiVersion: 'x' },
    { metadata: { name: 'x' } },
    { metadata: { namespace: 'x' } },
  ]) {
    const { documents, problems } = applyPatches(clusterWith({ target, merge }), [
      documentOf('Workload', { spec: {} }),
    ]);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['MUS1206'],
    );
    assert.deepEqual(documents[0]?.value, { spec: {} });
  }
});

test('a patch twice is a patch once, keys such as __proto__ are keys, and the base is never changed', () => {
  const key = fc.constantFrom('a', 'b', 'name', '__proto__', 'x/y~z');
  const { value } = fc.letrec<{ value: unknown; map: Record<string, unknown> }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      fc.nat(3),
      fc.constantFrom('p', 'q'),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('map'),
    ),
    map: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  }));
  const map = fc.dictionary(key, value, { maxKeys: 4 });
  fc.assert(
    fc.property(map, map, (base, merge) => {
      const before = JSON.stringify(base);
      const once = merged(base, merge);
      assert.deepEqual(merged(once, merge), once);
      assert.equal(JSON.stringify(base), before);
      assert.equal(Object.getPrototypeOf({}), Object.prototype);
    }),
    { numRuns: 300 },
  );
});
