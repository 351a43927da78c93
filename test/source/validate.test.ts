import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { normalise } from '../../src/source/normalise.ts';
import { kinds } from '../../src/source/validate.ts';
import { documentsOf, problemsOf } from './documents.ts';

const folder = join(import.meta.dirname, '..', '..', 'schema');

interface Schema {
  readonly [keyword: string]: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly definitions?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
}

const read = (file: string): Schema => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Schema;

test('every kind has a schema, and its examples are valid documents', async () => {
  for (const kind of kinds) {
    const examples = read(`${kind.toLowerCase()}.schema.json`)['examples'] as readonly unknown[];
    assert.ok(examples.length > 0, kind);
    for (const example of examples) {
      const text = stringify(example);
      assert.deepEqual(
        (await problemsOf(text)).map(({ message }) => message),
        [],
        text,
      );
      assert.deepEqual(normalise(await documentsOf(text)).problems, [], text);
    }
  }
});

test('every field is described, and no object takes keys that it does not know', () => {
  const own = readdirSync(folder).filter((file) => kinds.some((kind) => file === `${kind.toLowerCase()}.schema.json`));
  assert.equal(own.length, kinds.length);
  const visit = (schema: Schema, path: string) => {
    if (schema.properties !== undefined) assert.equal(schema.additionalProperties, false, `${path} is not strict`);
    for (const [name, field] of Object.entries({ ...schema.properties, ...schema.definitions })) {
      const described = field.description !== undefined || field['$ref'] !== undefined;
      assert.ok(described, `${path}/${name} has no description`);
      visit(field, `${path}/${name}`);
    }
    if (schema.items !== undefined) visit(schema.items, `${path}[]`);
  };
  for (const file of [...own, 'common.schema.json']) visit(read(file), file);
});

const wrap = (kind: string, spec: string, metadata = 'name: a') =>
  `apiVersion: muster/v1\nkind: ${kind}\nmetadata: {${metadata}}\nspec: ${spec}\n`;

const process = '{process: {}}';

/** Everything of the format that does nothing yet, and where it is reported. */
const later: readonly (readonly [kind: string, spec: string, pointer: string])[] = [
  ['Cluster', '{ssh: {user: root}}', '/spec/ssh'],
  ['Cluster', '{liveness: {beat: 10s, ttl: 60s}}', '/spec/liveness'],
  ['Cluster', '{drift: {orphan: heal}}', '/spec/drift/orphan'],
  ['Cluster', '{breaker: {zone: {share: 30%, atLeast: 2}}}', '/spec/breaker'],
  ['Cluster', '{windows: [{kind: deny, schedule: "0 18 * * 5", duration: 60h}]}', '/spec/windows'],
  ['Cluster', '{sources: [{name: p, verify: {allowedSigners: signers}}]}', '/spec/sources/0/verify'],
  ['Node', `{pod: p, engines: ${process}, fence: {command: [x]}}`, '/spec/fence'],
  ['Node', '{pod: p, engines: {libvirt: {endpoint: "qemu+ssh://x/system"}}}', '/spec/engines/libvirt'],
  ['Workload', '{image: a, env: {DB: {secret: db, key: url}}}', '/spec/env/DB'],
  ['Workload', '{image: a, onLost: fence}', '/spec/onLost'],
  ['Workload', '{image: a, update: {onFailure: pause}}', '/spec/update/onFailure'],
  ['Workload', '{engine: libvirt}', '/spec/engine'],
  ['Refactor', '{moved: [{from: a/b, to: a/c}]}', '/spec/moved'],
  ['Refactor', '{forgotten: []}', '/spec/forgotten'],
  ['Refactor', '{removed: [{from: a/b, allow: [dataLoss]}]}', '/spec/removed/0/allow'],
];

for (const [kind, spec, pointer] of later) {
  test(`${kind} ${pointer} (${spec}) is refused as not supported yet`, async () => {
    const problems = await problemsOf(wrap(kind, spec));
    assert.deepEqual(
      problems.map((problem) => [problem.code, problem.pointer]),
      [['MUS1007', pointer]],
    );
    assert.match(problems[0]?.message ?? '', /is not supported yet/);
  });
}

test('all mistakes of a document are found at once, quantities too', async () => {
  const spec =
    '{replica: 1, replicas: "2", resources: {cpu: 2 cores}, stop: {grace: 5}, type: statefull, ports: [{port: 0}]}';
  const found = (await problemsOf(wrap('Workload', spec))).map(({ code, pointer }) => `${code} ${pointer}`).sort();
  assert.deepEqual(found, [
    'MUS1003 /spec/replica',
    'MUS1004 /spec/ports/0/port',
    'MUS1004 /spec/replicas',
    'MUS1004 /spec/type',
    'MUS1005 /spec/ports/0',
    'MUS1006 /spec/resources/cpu',
    'MUS1006 /spec/stop/grace',
  ]);
});

test('a value of the wrong type names its type, and how to write it', async () => {
  const of = async (spec: string) =>
    (await problemsOf(wrap('Workload', spec))).map(({ message, hint }) => [message, hint]);
  assert.deepEqual(await of('{image: 5}'), [['spec.image must be text', 'put it in quotes: "5"']]);
  assert.deepEqual(await of('{image: a, command: run}'), [['spec.command must be a list', 'write a list: ["run"]']]);
  assert.deepEqual(await of('{image: a, env: {A: [1]}}'), [
    ['spec.env.A must be text or a number or true or false', undefined],
  ]);
});

test('no message is raw text of the validator', async () => {
  const spec =
    '{image: "", replicas: -1, ports: [], env: {"a b": 1}, update: {groups: []}, limits: {}, health: 3, "x-y": {}}';
  for (const { message, hint } of await problemsOf(wrap('Workload', spec))) {
    assert.doesNotMatch(
      `${message} ${hint}`,
      /must NOT|must match|additional properties|instancePath|undefined keyword/,
    );
  }
});
