import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { toSnapshot } from '../../src/model/snapshot.ts';
import { worldAfter } from '../../src/plan/after.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { DocumentError, readPlan, readSnapshot, snapshotChunks, writeDocument } from '../../src/reconcile/documents.ts';
import { planJsonChunks } from '../../src/render/plan-json.ts';
import { smallWorld } from '../plan/verify-world.ts';

const schemas = join(import.meta.dirname, '..', '..', 'schema');

/** Every object of the schema closed: what we write ourselves has no key that the schema does not describe. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const open = 'properties' in members && !('additionalProperties' in members);
  return open ? { ...members, additionalProperties: false } : members;
}

async function assertValid(name: 'plan' | 'snapshot', document: unknown): Promise<void> {
  const schema = JSON.parse(await readFile(join(schemas, `${name}.schema.json`), 'utf8')) as unknown;
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true });
  const validate = ajv.compile(closed(schema) as object);
  assert.ok(validate(document), ajv.errorsText(validate.errors, { separator: '\n' }));
}

describe('plan and snapshot files', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-documents-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  const inputs = smallWorld();
  const trees = { desired: inputs.desired };
  const path = (name: string): string => join(folder, name);
  const write = async (name: string, text: string): Promise<string> => {
    await writeFile(path(name), text);
    return path(name);
  };
  const snapshotText = (): string => [...snapshotChunks(toSnapshot(inputs))].join('');

  async function refusal(reading: Promise<unknown>): Promise<string> {
    const error = await reading.then(
      () => undefined,
      (problem: unknown) => problem,
    );
    assert.ok(error instanceof DocumentError, `expected a refusal, got ${String(error)}`);
    assert.ok(error.hint !== undefined, 'a refusal says what to do next');
    return error.message.replace(folder, 'DIR');
  }

  it('are what their schemas describe, key by key', async () => {
    const plan = createPlan(inputs);
    assert.ok(plan.steps.length > 0);
    await assertValid('plan', JSON.parse([...planJsonChunks(plan)].join('')));
    await assertValid('snapshot', JSON.parse(snapshotText()));
    const world = worldAfter(inputs, plan);
    await assertValid('snapshot', JSON.parse([...snapshotChunks(toSnapshot({ ...trees, ...world }))].join('')));
  });

  it('give back the plan that was written', async () => {
    const plan = createPlan(inputs);
    await writeDocument(path('plan.json'), planJsonChunks(plan));
    assert.deepEqual(await readPlan(path('plan.json')), JSON.parse(JSON.stringify(plan)));
  });

  it('give a world on which the same is planned', async () => {
    await writeDocument(path('snapshot.json'), snapshotChunks(toSnapshot(inputs)));
    const { recorded, observed } = await readSnapshot(path('snapshot.json'), trees);
    assert.deepEqual(createPlan({ ...inputs, recorded, observed }), createPlan(inputs));
  });

  it('leave nothing behind when they cannot be written', async () => {
    const failing = function* (): Generator<string> {
      yield '{';
      throw new Error('no more');
    };
    assert.match(
      await refusal(writeDocument(path('broken.json'), failing())),
      /broken.json: cannot be written: no more/,
    );
    assert.match(await refusal(writeDocument(join(folder, 'none', 'x.json'), ['{}'])), /cannot be written: ENOENT/);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('broken')),
      [],
    );
  });

  it('of a later minor version are read, of another major version refused', async () => {
    const later = JSON.stringify({ ...toSnapshot(inputs), formatVersion: '1.9', somethingNew: { a: 1 } });
    assert.deepEqual((await readSnapshot(await write('later.json', later), trees)).problems, []);
    const other = await write('other.json', JSON.stringify({ ...toSnapshot(inputs), formatVersion: '2.0' }));
    assert.equal(
      await refusal(readSnapshot(other, trees)),
      'DIR/other.json: has format version 2.0; this Muster reads 1.x',
    );
    const plan = await write('p2.json', JSON.stringify({ ...createPlan(inputs), formatVersion: '2.0' }));
    assert.equal(await refusal(readPlan(plan)), 'DIR/p2.json: has format version 2.0; this Muster reads 1.x');
  });

  it('that are something else are refused with what is wrong', async () => {
    assert.match(await refusal(readPlan(path('nothing.json'))), /^DIR\/nothing.json: cannot be read: ENOENT/);
    assert.match(await refusal(readPlan(await write('text.json', 'hello'))), /is not JSON/);
    assert.equal(
      await refusal(readPlan(await write('list.json', '[]'))),
      'DIR/list.json: is not a plan: it is not an object',
    );
    assert.equal(
      await refusal(readSnapshot(await write('empty.json', '{}'), trees)),
      'DIR/empty.json: is not a snapshot: /formatVersion is missing',
    );
  });

  it('of another cluster are refused', async () => {
    const file = await write('cluster.json', JSON.stringify({ ...toSnapshot(inputs), cluster: 'staging' }));
    assert.equal(await refusal(readSnapshot(file, trees)), 'DIR/cluster.json: is of cluster staging, not of test');
  });

  it('made by hand are refused with the place of every mistake', async () => {
    const row = { id: 'payments/web/0', generation: 1, node: 'n1' };
    const head = {
      formatVersion: '1.0',
      cluster: 'test',
      takenAt: '2026-11-21T22:40:03Z',
      storeRevision: 0,
      nodes: [],
    };
    const { generation: _, ...without } = row;
    const instances = [
      without,
      { ...row, generation: '4' },
      { ...row, state: 'sleeping' },
      { ...row, holds: { cpuMillis: 0.5 } },
    ];
    const file = await write('hand.json', JSON.stringify({ ...head, instances }));
    assert.deepEqual((await refusal(readSnapshot(file, trees))).split('\n'), [
      'DIR/hand.json: is not a valid snapshot: /instances/0/generation: is missing',
      '  /instances/1/generation: must be integer',
      '  /instances/2/state: must be equal to one of the allowed values: created, running, paused, restarting, exited, missing',
      '  /instances/3/holds/cpuMillis: must be integer',
    ]);
    const twice = await write('twice.json', JSON.stringify({ ...head, instances: [row, row] }));
    assert.equal(
      await refusal(readSnapshot(twice, trees)),
      'DIR/twice.json: is not a valid snapshot: /instances/1/generation: payments/web/0#1 is there twice',
    );
  });
});
