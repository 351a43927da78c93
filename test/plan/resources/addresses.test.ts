import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DesiredNetwork } from '../../../src/model/desired.ts';
import type { Revision, RevisionNetwork } from '../../../src/model/revision.ts';
import { type AddressAsk, addresses, type HeldAddress } from '../../../src/plan/resources/addresses.ts';
import { node, revision, workload } from '../world.ts';
import { factsOf, placedResourceContract } from './contract.ts';

const prod: DesiredNetwork = {
  name: 'prod',
  subnet: '10.1.0.0/28',
  gateway: '10.1.0.1',
  pools: [
    { name: 'web', first: '10.1.0.2', last: '10.1.0.4' },
    { name: 'ends', first: '10.1.0.0', last: '10.1.0.1' },
  ],
};
/** Two addresses, both for hosts (RFC 3021); and one that overlaps `prod`. */
const link: DesiredNetwork = { name: 'link', subnet: '10.2.0.0/31', pools: [] };
const half: DesiredNetwork = { name: 'half', subnet: '10.1.0.8/29', pools: [] };

const networked = (network: RevisionNetwork): Revision => revision({ network });
const promised = workload('payments/db', { revision: networked({ name: 'prod', ip: '10.1.0.3' }) });
const resource = addresses({ networks: [prod, link, half], workloads: [promised] });
const facts = factsOf(node('n1'));

placedResourceContract('addresses', {
  resource,
  node: fc.constant(node('n1')),
  revision: fc
    .oneof(
      fc.record({
        name: fc.constantFrom('prod', 'link', 'half', 'gone'),
        ip: fc.constantFrom('pool', 'keep', '10.1.0.3', '10.1.0.9', '10.1.0.0', '10.9.9.9', 'none'),
      }),
      fc.record({
        name: fc.constant('prod'),
        ip: fc.constantFrom('pool', 'keep'),
        pool: fc.constantFrom('web', 'ends', 'gone'),
      }),
    )
    .map(networked),
  binds: ({ kind }) => kind === 'keep',
});

const askFor = (network: Partial<RevisionNetwork>): AddressAsk => {
  const ask = resource.askOf(networked({ name: 'prod', ip: 'pool', ...network }));
  assert.ok(ask !== undefined);
  return ask;
};

const held = (ip: string): HeldAddress => {
  const found = resource.heldOf({ cpuMillis: 0, memoryBytes: 0, storageBytes: 0, ip });
  assert.ok(found !== undefined);
  return found;
};

/** All that can be had, one after the other. */
function drawn(state: ReturnType<typeof resource.open>, ask: AddressAsk): readonly string[] {
  const got: string[] = [];
  for (let next = choose(state, ask); next !== undefined && got.length < 100; next = choose(state, ask)) {
    resource.take(state, held(next));
    got.push(next);
  }
  return got;
}

function choose(state: ReturnType<typeof resource.open>, ask: AddressAsk, keep?: string): string | undefined {
  const found = resource.choose(state, ask, { node: facts, keep: keep === undefined ? undefined : held(keep) });
  return found === undefined ? undefined : resource.holdsOf(found).ip;
}

const lastByte = (ip: string): number => Number(ip.split('.')[3]);

test('a revision without a network asks for nothing', () => assert.equal(resource.askOf(revision()), undefined));

test('the lowest address first; never the ends of the subnet, the gateway, or one that a workload asks for by number', () => {
  const state = resource.open(facts);
  assert.deepEqual(drawn(state, askFor({})).map(lastByte), [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
});

test('a pool gives what is in it', () => {
  const state = resource.open(facts);
  assert.equal(resource.room(state, askFor({ pool: 'web' }), { node: facts, atMost: 9 }), 2);
  assert.deepEqual(drawn(state, askFor({ pool: 'web' })).map(lastByte), [2, 4]);
  assert.deepEqual(drawn(state, askFor({ pool: 'ends' })), []);
});

test('of two addresses of a link both are for machines', () => {
  assert.deepEqual(drawn(resource.open(facts), askFor({ name: 'link' })).map(lastByte), [0, 1]);
});

test('what is asked for by number is that, once', () => {
  const state = resource.open(facts);
  const ask = askFor({ ip: '10.1.0.3' });
  assert.deepEqual(drawn(state, ask), ['10.1.0.3']);
  assert.equal(resource.short(state, ask, facts).text, 'have address 10.1.0.3 of network prod in use already');
});

test('a number that the network needs itself, or that is outside of it, cannot be had', () => {
  const state = resource.open(facts);
  for (const ip of ['10.1.0.0', '10.1.0.1', '10.1.0.15', '10.9.9.9', 'ten'])
    assert.equal(choose(state, askFor({ ip })), undefined, ip);
});

test('a predecessor’s address is kept: from a pool while it is in the pool, by an ordinal wherever it is', () => {
  const state = resource.open(facts);
  const web: Partial<RevisionNetwork> = { pool: 'web' };
  assert.equal(choose(state, askFor(web), '10.1.0.4'), '10.1.0.4');
  assert.equal(choose(state, askFor(web), '10.1.0.9'), '10.1.0.2');
  assert.equal(choose(state, askFor({ ...web, ip: 'keep' }), '10.1.0.9'), '10.1.0.9');
});

test('an address is not kept that another has too, that the network needs, or that is of another network', () => {
  const state = resource.open(facts);
  resource.take(state, held('10.1.0.9'));
  for (const ip of ['10.1.0.9', '10.1.0.1', '10.2.0.1']) {
    assert.equal(choose(state, askFor({ ip: 'keep' }), ip), '10.1.0.2', ip);
    assert.equal(choose(state, askFor({}), ip), '10.1.0.2', ip);
  }
});

test('an address that was promised to another is given up by who has any address, and kept by its ordinal', () => {
  const state = resource.open(facts);
  assert.equal(choose(state, askFor({}), '10.1.0.3'), '10.1.0.2');
  assert.equal(choose(state, askFor({ ip: 'keep' }), '10.1.0.3'), '10.1.0.3');
});

test('networks that overlap share their addresses', () => {
  const state = resource.open(facts);
  assert.deepEqual(drawn(state, askFor({ name: 'half' })).map(lastByte), [9, 10, 11, 12, 13, 14]);
  assert.deepEqual(drawn(state, askFor({})).map(lastByte), [2, 4, 5, 6, 7, 8]);
});

test('an address is the same on every node', () => {
  const other = factsOf(node('n2'));
  assert.equal(resource.poolOf(other), resource.poolOf(facts));
});

test('the reason says which network or pool has none, or is not there', () => {
  const state = resource.open(facts);
  const short = (network: Partial<RevisionNetwork>) => resource.short(state, askFor(network), facts).text;
  assert.equal(short({}), 'have no free address in network prod');
  assert.equal(short({ pool: 'web' }), 'have no free address in pool web of network prod');
  assert.equal(short({ pool: 'db' }), 'have no pool db of network prod, since none is declared');
  assert.equal(short({ name: 'dev' }), 'have no network dev, since none is declared');
  assert.equal(short({ ip: '10.9.9.9' }), 'have no address outside of network prod to give');
  assert.match(short({ ip: '10.1.0.1' }), /^have no use for address 10\.1\.0\.1 of network prod/);
});

test('a network of 65,536 addresses is given out to the last one, and any of them that came back comes next', () => {
  const large = addresses({ networks: [{ name: 'prod', subnet: '10.0.0.0/16', pools: [] }], workloads: [] });
  const state = large.open(facts);
  const ask = askFor({});
  let last = -1;
  for (let count = 0; count < 65_534; count += 1) {
    const next = large.choose(state, ask, { node: facts, keep: undefined });
    assert.ok(next !== undefined && next.address > last);
    large.take(state, next);
    last = next.address;
  }
  assert.equal(large.room(state, ask, { node: facts, atMost: 9 }), 0);
  assert.equal(large.choose(state, ask, { node: facts, keep: undefined }), undefined);
  large.release(state, held('10.0.200.7'));
  large.release(state, held('10.0.3.9'));
  assert.deepEqual(large.choose(state, ask, { node: facts, keep: undefined }), held('10.0.3.9'));
});
