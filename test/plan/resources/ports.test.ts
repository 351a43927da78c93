import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ForeignObject } from '../../../src/model/observed.ts';
import type { Revision, RevisionPort } from '../../../src/model/revision.ts';
import { ports } from '../../../src/plan/resources/ports.ts';
import { node, revision } from '../world.ts';
import { factsOf, placedResourceContract } from './contract.ts';

const publishing = (...publish: readonly RevisionPort['publish'][]): Revision =>
  revision({ ports: publish.map((to, index) => ({ name: `p${index}`, port: 80, protocol: 'tcp', publish: to })) });

const foreign = (...numbers: readonly number[]): ForeignObject => ({
  engine: 'docker',
  name: 'postgres',
  resources: {},
  ports: numbers,
});

const range = { first: 30_000, last: 30_003 };

/** Few ports, in the range and around it: fixed ones get in the way of automatic ones. */
const anyPort = fc.integer({ min: 29_998, max: 30_006 });

placedResourceContract('ports', {
  resource: ports,
  node: fc.constant(node('n1', { portRange: range })),
  revision: fc
    .array(fc.oneof(fc.constant<'auto'>('auto'), fc.constant<'none'>('none'), anyPort), { maxLength: 2 })
    .chain((more) => fc.oneof(fc.constant<'auto'>('auto'), anyPort).map((first) => publishing(...more, first))),
  foreign: fc.array(
    anyPort.map((port) => foreign(port)),
    { maxLength: 2 },
  ),
  // A port that was had once is kept even where the range has none left.
  binds: (_, held) => Object.values(held).some((port) => port < range.first || port > range.last),
});

const facts = factsOf(node('n1', { portRange: range }));
const askFor = (...publish: readonly RevisionPort['publish'][]) => {
  const ask = ports.askOf(publishing(...publish));
  assert.ok(ask !== undefined);
  return ask;
};

test('nothing is asked for what is not published', () => {
  assert.equal(ports.askOf(publishing('none')), undefined);
  assert.equal(ports.askOf(revision()), undefined);
});

test('automatic ports are the lowest that are free, in the order of the revision', () => {
  const state = ports.open(facts);
  ports.take(state, { http: 30_001 });
  assert.deepEqual(ports.choose(state, askFor('auto', 'none', 'auto'), { node: facts, keep: undefined }), {
    p0: 30_000,
    p2: 30_002,
  });
});

test('an automatic port is never the fixed one beside it', () => {
  const state = ports.open(facts);
  const held = ports.choose(state, askFor('auto', 30_000), { node: facts, keep: undefined });
  assert.deepEqual(held, { p0: 30_001, p1: 30_000 });
});

test('a port is kept by its name, and no other name of the instance takes it first', () => {
  const state = ports.open(facts);
  const held = ports.choose(state, askFor('auto', 'auto'), { node: facts, keep: { p1: 30_000 } });
  assert.deepEqual(held, { p0: 30_001, p1: 30_000 });
});

test('a port outside of the range is kept: clients know it', () => {
  const state = ports.open(facts);
  assert.deepEqual(ports.choose(state, askFor('auto'), { node: facts, keep: { p0: 20_000 } }), { p0: 20_000 });
});

test('a port that somebody else has, too, is not kept', () => {
  const state = ports.open(facts);
  const held = { p0: 30_000 };
  ports.take(state, held);
  ports.take(state, held);
  ports.release(state, held);
  assert.deepEqual(ports.choose(state, askFor('auto'), { node: facts, keep: held }), { p0: 30_001 });
  assert.equal(ports.choose(state, askFor(30_000), { node: facts, keep: held }), undefined);
});

test('tcp and udp of one number are one port', () => {
  const state = ports.open(facts);
  const dns = ports.choose(state, askFor(53, 53), { node: facts, keep: undefined });
  assert.deepEqual(dns, { p0: 53, p1: 53 });
  ports.take(state, { p0: 53, p1: 53 });
  assert.equal(ports.room(state, askFor(53), { node: facts, atMost: 9 }), 0);
  ports.release(state, { p0: 53, p1: 53 });
  assert.equal(ports.room(state, askFor(53), { node: facts, atMost: 9 }), 1);
});

test('nodes of one machine share its ports, whoever has them, and each draws from its own range', () => {
  const a = factsOf(node('a', { portDomain: 'machine', portRange: range }), [foreign(30_000)]);
  const b = factsOf(node('b', { portDomain: 'machine', portRange: { first: 30_001, last: 30_009 } }), [
    foreign(30_001),
  ]);
  assert.equal(ports.poolOf(a), ports.poolOf(b));
  const state = ports.open(a);
  ports.join?.(state, b);
  const ask = askFor('auto');
  assert.equal(ports.room(state, ask, { node: a, atMost: 9 }), 2);
  assert.equal(ports.room(state, ask, { node: b, atMost: 9 }), 8);
  ports.take(state, { p0: 30_002 });
  assert.deepEqual(ports.choose(state, ask, { node: a, keep: undefined }), { p0: 30_003 });
  assert.deepEqual(ports.choose(state, ask, { node: b, keep: undefined }), { p0: 30_003 });
});

test('a node that has left git has its own ports, and none to give', () => {
  const gone = { ...facts, definition: undefined };
  assert.equal(ports.poolOf(gone), 'n1');
  assert.equal(ports.room(ports.open(gone), askFor('auto'), { node: gone, atMost: 9 }), 0);
});

test('the reason names the fixed ports that are in use', () => {
  const state = ports.open({ ...facts, foreign: [foreign(80, 443)] });
  assert.equal(ports.short(state, askFor(80, 8080, 443), facts).text, 'have port 80 and 443 in use already');
  assert.equal(ports.short(state, askFor('auto'), facts).text, 'lack a free port');
  assert.equal(ports.short(state, askFor('auto', 'auto'), facts).text, 'lack 2 free ports');
});

test('what a successor does not publish stays taken until its predecessor is gone', () => {
  assert.deepEqual(ports.beyond({ http: 30_000, admin: 30_001 }, { web: 30_000 }), { admin: 30_001 });
  assert.equal(ports.beyond({ http: 30_000 }, { http: 30_000, admin: 30_001 }), undefined);
});
