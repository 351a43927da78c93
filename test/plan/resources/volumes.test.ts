import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DesiredNode, NodeDisk } from '../../../src/model/desired.ts';
import type { HeldVolume } from '../../../src/model/recorded.ts';
import type { Revision, RevisionVolume } from '../../../src/model/revision.ts';
import { shares } from '../../../src/plan/resources/shares.ts';
import { type HeldVolumes, volumes } from '../../../src/plan/resources/volumes.ts';
import { GiB, node, revision } from '../world.ts';
import { factsOf, placedResourceContract } from './contract.ts';

type Asked = Partial<Omit<RevisionVolume, 'source'>> & {
  readonly on?: string;
  readonly source?: RevisionVolume['source'];
};

const volume = (name: string, { on, ...change }: Asked = {}): RevisionVolume => ({
  name,
  mount: `/${name}`,
  sizeBytes: 0,
  source: on === undefined ? { kind: 'auto' } : { kind: 'device', device: on },
  exclusive: false,
  readOnly: false,
  onRemove: 'keep',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
  ...change,
});

const withVolumes = (...asked: readonly RevisionVolume[]): Revision => revision({ volumes: asked });

const anyDisk = fc.record({
  sizeBytes: fc.integer({ min: 1, max: 10 }),
  rate: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
});

const anyNode: fc.Arbitrary<DesiredNode> = fc
  .array(anyDisk, { maxLength: 4 })
  .map((disks) => node('n1', { disks: disks.map(diskOf) }));

const diskOf = (
  { sizeBytes, rate }: { readonly sizeBytes: number; readonly rate?: number | undefined },
  index: number,
): NodeDisk => ({ device: `/d${index}`, sizeBytes, ...(rate !== undefined && { readIops: rate }) });

const anyVolume = fc.record({
  sizeBytes: fc.nat({ max: 6 }),
  exclusive: fc.oneof(fc.constant(false), fc.boolean()),
  readIops: fc.oneof(fc.constant(0), fc.nat({ max: 4 })),
  on: fc.oneof(fc.constant(undefined), fc.constant(undefined), fc.constantFrom('/d0', '/d1', '/d9')),
});

const anyRevision: fc.Arbitrary<Revision> = fc
  .tuple(fc.subarray(['a', 'b', 'c', 'd'], { minLength: 1 }), fc.tuple(anyVolume, anyVolume, anyVolume, anyVolume))
  .map(([names, asked]) =>
    withVolumes(
      ...names.map((name, index) => {
        const { on, ...rest } = asked[index] as (typeof asked)[0];
        return volume(name, { ...rest, ...(on !== undefined && { on }) });
      }),
    ),
  );

placedResourceContract('volumes', {
  resource: volumes,
  node: anyNode,
  revision: anyRevision,
  // Its volumes are there until it is gone: they stay where they are, and what is dropped of them is in the way.
  binds: () => true,
});

test('a place is found exactly when there is one: every other assignment was tried', () => {
  fc.assert(
    fc.property(anyNode, fc.array(anyRevision, { maxLength: 4 }), anyRevision, (definition, arrivals, last) => {
      const facts = factsOf(definition);
      const state = volumes.open(facts);
      const all: HeldVolume[] = [];
      for (const arrival of arrivals) {
        const held = chosen(state, arrival, facts) ?? [];
        volumes.take(state, held);
        all.push(...held);
      }
      const found = chosen(state, last, facts);
      assert.equal(found !== undefined, isPossible(definition.disks ?? [], all, last.volumes ?? []));
      if (found !== undefined) assertSound(definition.disks ?? [], [...all, ...found], last.volumes ?? []);
    }),
    { numRuns: 1000 },
  );
});

function chosen(
  state: ReturnType<typeof volumes.open>,
  { volumes: asked }: Revision,
  facts: ReturnType<typeof factsOf>,
  keep?: HeldVolumes,
): HeldVolumes | undefined {
  const ask = volumes.askOf(withVolumes(...(asked ?? [])));
  assert.ok(ask !== undefined);
  return volumes.choose(state, ask, { node: facts, keep });
}

/** By trying every disk for every volume. */
function isPossible(
  disks: readonly NodeDisk[],
  held: readonly HeldVolume[],
  asked: readonly RevisionVolume[],
  placed: readonly HeldVolume[] = [],
): boolean {
  const next = asked[placed.length];
  if (next === undefined) return isSound(disks, [...held, ...placed], asked);
  return disks.some(({ device }) => {
    if (next.source.kind === 'device' && next.source.device !== device) return false;
    const one: HeldVolume = {
      name: next.name,
      device,
      bytes: next.sizeBytes,
      readIops: next.readIops,
      ...(next.exclusive && { exclusive: true }),
    };
    return isPossible(disks, held, asked, [...placed, one]);
  });
}

/** What a set of volumes has to satisfy: room and rates on every disk, and exclusive ones of one instance alone on one. */
function isSound(disks: readonly NodeDisk[], held: readonly HeldVolume[], asked: readonly RevisionVolume[]): boolean {
  const mine = new Set(held.slice(held.length - asked.length));
  const owned = new Set([...mine].filter(({ exclusive }) => exclusive).map(({ device }) => device));
  if (owned.size > 1) return false;
  const isAlone = disks.every(({ device }) => {
    const here = held.filter((one) => one.device === device);
    const owners = here.filter(({ exclusive }) => exclusive);
    if (owners.length > 0 && owners.length < here.length) return false;
    return !owned.has(device) || here.every((one) => mine.has(one));
  });
  return isAlone && hasRoom(disks, held);
}

function hasRoom(disks: readonly NodeDisk[], held: readonly HeldVolume[]): boolean {
  return disks.every(({ device, sizeBytes, readIops = Number.POSITIVE_INFINITY }) => {
    const here = held.filter((one) => one.device === device);
    const sum = (of: (one: HeldVolume) => number): number => here.reduce((total, one) => total + of(one), 0);
    return sum(({ bytes }) => bytes) <= sizeBytes && sum(({ readIops: rate = 0 }) => rate) <= readIops;
  });
}

function assertSound(disks: readonly NodeDisk[], held: readonly HeldVolume[], asked: readonly RevisionVolume[]): void {
  assert.ok(isSound(disks, held, asked), JSON.stringify(held));
  const mine = held.slice(held.length - asked.length);
  for (const one of asked.filter(({ exclusive }) => !exclusive))
    assert.equal(mine.find(({ name }) => name === one.name)?.bytes, one.sizeBytes);
  const owned = mine.filter(({ exclusive }) => exclusive);
  const disk = disks.find(({ device }) => device === owned[0]?.device);
  if (disk !== undefined)
    assert.equal(
      owned.reduce((sum, { bytes }) => sum + bytes, 0),
      disk.sizeBytes,
    );
}

test('what a successor gets fits beside what its predecessor has, on the same devices; without exclusive ones exactly when it can', () => {
  fc.assert(
    fc.property(
      anyNode,
      fc.array(anyRevision, { maxLength: 3 }),
      anyRevision,
      anyRevision,
      (definition, arrivals, before, next) => {
        const facts = factsOf(definition);
        const state = volumes.open(facts);
        const others: HeldVolume[] = [];
        for (const arrival of arrivals) {
          const held = chosen(state, arrival, facts) ?? [];
          volumes.take(state, held);
          others.push(...held);
        }
        const keep = chosen(state, before, facts);
        if (keep === undefined) return;
        const disks = definition.disks ?? [];
        const found = chosen(state, next, facts, keep);
        if (found !== undefined) {
          assertStays(keep, found, next);
          const more = volumes.beyond(found, keep) ?? [];
          const union = [...others, ...keep, ...more];
          assert.ok(hasRoom(disks, union), JSON.stringify({ others, keep, found }));
          for (const one of others)
            assert.ok(!found.some(({ device, exclusive }) => exclusive && device === one.device));
        }
        const asked = next.volumes ?? [];
        if ([...others, ...keep, ...asked].some(({ exclusive }) => exclusive)) return;
        const added = asked.map((volume) => addedTo(keep, volume));
        assert.equal(found !== undefined, isPossible(disks, [...others, ...keep], added));
      },
    ),
    { numRuns: 1000 },
  );
});

/** A volume that was there, and is not asked for elsewhere by name, is where it was. */
function assertStays(keep: HeldVolumes, found: HeldVolumes, { volumes: asked = [] }: Revision): void {
  for (const { name, device } of keep) {
    const source = asked.find((volume) => volume.name === name)?.source;
    if (source === undefined || (source.kind === 'device' && source.device !== device)) continue;
    assert.equal(found.find((volume) => volume.name === name)?.device, device);
  }
}

/** What is more than the predecessor's, bound to its device. */
function addedTo(keep: HeldVolumes, volume: RevisionVolume): RevisionVolume {
  const before = keep.find(({ name }) => name === volume.name);
  const { source } = volume;
  if (before === undefined || (source.kind === 'device' && source.device !== before.device)) return volume;
  return {
    ...volume,
    source: { kind: 'device', device: before.device },
    sizeBytes: Math.max(0, volume.sizeBytes - before.bytes),
    readIops: Math.max(0, volume.readIops - (before.readIops ?? 0)),
  };
}

test('shares are whole, in proportion, and add up', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      fc.array(fc.integer({ min: 0, max: 2 ** 45 }), { minLength: 1, maxLength: 6 }),
      (total, weights) => {
        const parts = shares(total, weights);
        assert.equal(
          parts.reduce((sum, part) => sum + BigInt(part), 0n),
          BigInt(total),
        );
        const known = weights.some((weight) => weight > 0) ? weights.map(BigInt) : weights.map(() => 1n);
        const sum = known.reduce((a, b) => a + b, 0n);
        for (const [index, part] of parts.entries()) {
          const exact = BigInt(total) * (known[index] as bigint);
          assert.ok(exact - BigInt(part) * sum < sum && BigInt(part) * sum - exact < sum);
        }
      },
    ),
  );
  assert.deepEqual(shares(2 ** 40, [100, 100, 100]), [366_503_875_926, 366_503_875_925, 366_503_875_925]);
});

const disks: readonly NodeDisk[] = ['/data0', '/data1', '/data2', '/data3'].map((device) => ({
  device,
  sizeBytes: 100 * GiB,
  readIops: 1000,
}));
const facts = factsOf(node('n1', { disks }));

/** What each volume is on: `data:/data0 cache:/data1`. */
const where = (held: HeldVolumes | undefined): string | undefined =>
  held?.map(({ name, device }) => `${name}:${device}`).join(' ');

const used = (device: string, gibibytes: number, change: Partial<HeldVolume> = {}): HeldVolume => ({
  name: `other-${device}`,
  device,
  bytes: gibibytes * GiB,
  ...change,
});

function openWith(...held: HeldVolumes): ReturnType<typeof volumes.open> {
  const state = volumes.open(facts);
  volumes.take(state, held);
  return state;
}

test('directories of the node and volumes of the network are not placed', () => {
  const outside = withVolumes(
    volume('certificates', { source: { kind: 'host', path: '/etc/ssl' } }),
    volume('media', { source: { kind: 'network', target: 'nfs://10.0.0.9/media' } }),
  );
  assert.equal(volumes.askOf(outside), undefined);
  assert.equal(volumes.askOf(revision()), undefined);
});

test('the tightest used disk is first, then the tightest that is not used', () => {
  const state = openWith(used('/data1', 30), used('/data2', 60));
  const take = (gibibytes: number): string | undefined => {
    const held = chosen(state, withVolumes(volume('v', { sizeBytes: gibibytes * GiB })), facts);
    if (held !== undefined) volumes.take(state, held);
    return where(held);
  };
  assert.deepEqual([take(40), take(40), take(40), take(101)], ['v:/data2', 'v:/data1', 'v:/data0', undefined]);
});

test('a volume without a size goes where most is left after the others, and is charged nothing', () => {
  const asked = withVolumes(volume('big', { sizeBytes: 80 * GiB, on: '/data0' }), volume('log'));
  assert.equal(
    where(chosen(openWith(used('/data1', 1), used('/data2', 2), used('/data3', 3)), asked, facts)),
    'big:/data0 log:/data1',
  );
  const held = chosen(openWith(), withVolumes(volume('log')), facts);
  assert.deepEqual(held, [{ name: 'log', device: '/data0', bytes: 0 }]);
});

test('a disk with a volume that is charged nothing is used: nobody gets it exclusively', () => {
  const state = openWith(used('/data0', 0), used('/data1', 0), used('/data2', 0));
  const asked = withVolumes(volume('all', { sizeBytes: 1, exclusive: true }));
  assert.deepEqual(chosen(state, asked, facts), [{ name: 'all', device: '/data3', bytes: 100 * GiB, exclusive: true }]);
});

test('on a disk that somebody has exclusively there is nothing for others, even where it has grown since', () => {
  const state = openWith(
    ...['/data0', '/data1', '/data2', '/data3'].map((device) => used(device, 10, { exclusive: true })),
  );
  for (const asked of [volume('v', { sizeBytes: 1 }), volume('log'), volume('v', { on: '/data1' })])
    assert.equal(chosen(state, withVolumes(asked), facts), undefined);
});

test('an exclusive volume without a size is the whole disk', () => {
  const held = chosen(
    openWith(),
    withVolumes(volume('a', { exclusive: true }), volume('b', { exclusive: true })),
    facts,
  );
  assert.deepEqual(
    held?.map(({ bytes }) => bytes),
    [50 * GiB, 50 * GiB],
  );
});

test('rates are charged on the disk, and one that the disk does not limit is never short', () => {
  const state = openWith(used('/data0', 1, { readIops: 900 }), used('/data1', 1, { readIops: 500 }));
  const asked = withVolumes(volume('v', { sizeBytes: GiB, readIops: 400, writeBps: 2 ** 50 }));
  assert.deepEqual(chosen(state, asked, facts), [
    { name: 'v', device: '/data1', bytes: GiB, readIops: 400, writeBps: 2 ** 50 },
  ]);
});

test('volumes of one instance are placed together: the first choice of one gives way to another', () => {
  const small = factsOf(
    node('n1', {
      disks: [
        { device: '/slow', sizeBytes: 90 * GiB, readIops: 10 },
        { device: '/fast', sizeBytes: 100 * GiB, readIops: 1000 },
      ],
    }),
  );
  const state = volumes.open(small);
  // Largest first onto the tightest would leave nothing fast enough for the other.
  const asked = withVolumes(
    volume('bulk', { sizeBytes: 80 * GiB }),
    volume('index', { sizeBytes: 60 * GiB, readIops: 500 }),
  );
  assert.equal(where(chosen(state, asked, small)), 'bulk:/slow index:/fast');
  const other = withVolumes(
    volume('bulk', { sizeBytes: 80 * GiB, readIops: 500 }),
    volume('index', { sizeBytes: 60 * GiB }),
  );
  assert.equal(where(chosen(state, other, small)), 'bulk:/fast index:/slow');
});

test('a volume that is kept stays on its device, grows there or not at all, and what is new goes anywhere', () => {
  const state = openWith(used('/data0', 50), used('/data1', 90));
  const keep: HeldVolumes = [used('/data0', 20, { name: 'data' }), used('/data1', 5, { name: 'old' })];
  const grown = withVolumes(volume('data', { sizeBytes: 50 * GiB }), volume('new', { sizeBytes: 5 * GiB }));
  assert.equal(where(chosen(state, grown, facts, keep)), 'data:/data0 new:/data1');
  assert.equal(chosen(state, withVolumes(volume('data', { sizeBytes: 51 * GiB })), facts, keep), undefined);
});

test('what is dropped or shrinks is there until the predecessor is gone: nothing new is put into its place', () => {
  const state = openWith(used('/data1', 100), used('/data2', 100), used('/data3', 100));
  const keep: HeldVolumes = [used('/data0', 40, { name: 'a' }), used('/data0', 40, { name: 'b' })];
  const next = (a: number, c: number): Revision =>
    withVolumes(volume('a', { sizeBytes: a * GiB }), volume('c', { sizeBytes: c * GiB }));
  assert.equal(where(chosen(state, next(10, 20), facts, keep)), 'a:/data0 c:/data0');
  assert.equal(chosen(state, next(10, 21), facts, keep), undefined);
  const whole = withVolumes(volume('c', { exclusive: true }));
  assert.equal(chosen(state, whole, facts, keep), undefined);
});

test('an instance that has a device whole keeps it, whichever exclusive volumes it is shared out to', () => {
  const keep: HeldVolumes = [used('/data2', 100, { name: 'a', exclusive: true })];
  const next = withVolumes(
    volume('b', { exclusive: true, sizeBytes: 1 }),
    volume('c', { exclusive: true, sizeBytes: 1 }),
  );
  assert.equal(where(chosen(openWith(), next, facts, keep)), 'b:/data2 c:/data2');
  const grown: HeldVolumes = [used('/data3', 80, { name: 'a', exclusive: true })];
  const beside = withVolumes(volume('a', { sizeBytes: 80 * GiB }), volume('b', { sizeBytes: 20 * GiB }));
  const full = openWith(used('/data0', 100), used('/data1', 100), used('/data2', 100));
  assert.equal(where(chosen(full, beside, facts, grown)), 'a:/data3 b:/data3');
  const shared = withVolumes(volume('a', { sizeBytes: GiB }), volume('b', { sizeBytes: GiB }));
  assert.equal(where(chosen(openWith(), shared, facts, keep)), 'a:/data2 b:/data0');
});

test('a volume that is asked for on another device by name is a new one there', () => {
  const moved = withVolumes(volume('data', { sizeBytes: GiB, on: '/data2' }));
  assert.equal(where(chosen(openWith(), moved, facts, [used('/data0', 1, { name: 'data' })])), 'data:/data2');
});

test('what was on a device that the node does not have any more is not silently begun anew elsewhere', () => {
  const state = openWith();
  assert.equal(
    chosen(state, withVolumes(volume('data', { sizeBytes: 1 })), facts, [used('/gone', 1, { name: 'data' })]),
    undefined,
  );
});

test('a disk that was declared smaller than what it holds keeps its instances: one may be replaced by its like, not grow', () => {
  const state = openWith(used('/data0', 90));
  const keep: HeldVolumes = [used('/data0', 30, { name: 'a' }), used('/data0', 30, { name: 'b' })];
  const sized = (a: number, b: number): Revision =>
    withVolumes(volume('a', { sizeBytes: a * GiB }), volume('b', { sizeBytes: b * GiB }));
  assert.equal(where(chosen(state, sized(30, 30), facts, keep)), 'a:/data0 b:/data0');
  assert.equal(where(chosen(state, sized(20, 30), facts, keep)), 'a:/data0 b:/data0');
  assert.equal(chosen(state, sized(20, 40), facts, keep), undefined);
  assert.equal(chosen(state, sized(30, 31), facts, keep), undefined);
});

test('an exclusive volume that grows stays on its device; one that becomes exclusive needs its device alone', () => {
  const keep: HeldVolumes = [used('/data2', 100, { name: 'all', exclusive: true })];
  const grown = withVolumes(
    volume('all', { sizeBytes: 30 * GiB, exclusive: true }),
    volume('more', { sizeBytes: 10 * GiB, exclusive: true }),
  );
  assert.deepEqual(
    chosen(openWith(), grown, facts, keep)?.map(({ device, bytes }) => [device, bytes / GiB]),
    [
      ['/data2', 75],
      ['/data2', 25],
    ],
  );
  const shared: HeldVolumes = [used('/data0', 5, { name: 'all' })];
  // Its share would be less than what is there.
  assert.equal(chosen(openWith(), grown, facts, [used('/data0', 76, { name: 'all' })]), undefined);
  assert.equal(where(chosen(openWith(), grown, facts, shared)), 'all:/data0 more:/data0');
  assert.equal(chosen(openWith(used('/data0', 1)), grown, facts, shared), undefined);
});

test('what stays taken until the predecessor is gone: volumes that are dropped, and by how much others shrink', () => {
  const held: HeldVolumes = [used('/data0', 20, { name: 'a', readIops: 5 }), used('/data1', 20, { name: 'b' })];
  const by: HeldVolumes = [used('/data0', 15, { name: 'a', readIops: 9 }), used('/data2', 20, { name: 'b' })];
  assert.deepEqual(volumes.beyond(held, by), [
    { name: 'a', device: '/data0', bytes: 5 * GiB },
    { name: 'b', device: '/data1', bytes: 20 * GiB },
  ]);
  assert.equal(volumes.beyond(held, held), undefined);
});

test('a disk that a successor has exclusively is taken once, however it is shared out', () => {
  const whole: HeldVolumes = [used('/data0', 100, { name: 'a', exclusive: true })];
  const halves: HeldVolumes = ['a', 'b'].map((name) => used('/data0', 50, { name, exclusive: true }));
  assert.equal(volumes.beyond(whole, halves), undefined);
  assert.equal(volumes.beyond(halves, whole), undefined);
  const ordinary: HeldVolumes = [used('/data0', 30, { name: 'a' })];
  assert.deepEqual(volumes.beyond(whole, ordinary), [used('/data0', 70, { name: 'a', exclusive: true })]);
});

test('exclusive volumes are not kept on a device that was declared smaller than they are', () => {
  const keep: HeldVolumes = [used('/data0', 100, { name: 'all', exclusive: true })];
  const asked = (gibibytes: number): Revision =>
    withVolumes(volume('all', { sizeBytes: gibibytes * GiB, exclusive: true }));
  assert.equal(where(chosen(openWith(), asked(100), facts, keep)), 'all:/data0');
  assert.equal(
    chosen(openWith(), asked(101), facts, [used('/data0', 120, { name: 'all', exclusive: true })]),
    undefined,
  );
});

test('counting thousands of small instances says what placing them one by one says', () => {
  const state = openWith(used('/data0', 1));
  const ask = volumes.askOf(withVolumes(volume('a', { sizeBytes: GiB / 16 }), volume('b', { sizeBytes: GiB / 64 })));
  assert.ok(ask !== undefined);
  const room = volumes.room(state, ask, { node: facts, atMost: 1_000_000 });
  let count = 0;
  for (let held = volumes.choose(state, ask, { node: facts, keep: undefined }); held !== undefined; count += 1) {
    volumes.take(state, held);
    held = volumes.choose(state, ask, { node: facts, keep: undefined });
  }
  assert.equal(room, count);
  assert.ok(count > 5000);
});

test('counting goes along where a volume without a size makes another disk a used one, and so the next choice', () => {
  const sizes = [2, 3, 11];
  const three = factsOf(node('n1', { disks: sizes.map((sizeBytes, index) => ({ device: `/d${index}`, sizeBytes })) }));
  const state = volumes.open(three);
  volumes.take(state, [used('/d2', 0)]);
  const ask = volumes.askOf(withVolumes(volume('a', { sizeBytes: 3 }), volume('b', { sizeBytes: 1 }), volume('log')));
  assert.ok(ask !== undefined);
  // Twice both on /d2, and the third time `a` on the used /d1; were /d1 unused, /d0 would have been for `b`, a fourth time.
  assert.equal(volumes.room(state, ask, { node: three, atMost: 9 }), 3);
});

test('the reason names what no device has', () => {
  const short = (state: ReturnType<typeof volumes.open>, ...asked: readonly RevisionVolume[]): string => {
    const ask = volumes.askOf(withVolumes(...asked));
    assert.ok(ask !== undefined);
    return volumes.short(state, ask, facts).text;
  };
  const full = openWith(...disks.map(({ device }) => used(device, 60)));
  assert.equal(short(full, volume('v', { sizeBytes: 500 * GiB })), 'have no device with 500 GiB free');
  assert.equal(short(full, volume('v', { readIops: 5000 })), 'have no device with 5000 reads/s free');
  assert.equal(
    short(full, volume('v', { sizeBytes: 50 * GiB, writeBps: GiB })),
    'have no device with 50 GiB and 1 GiB/s of writes free',
  );
  assert.equal(short(full, volume('v', { exclusive: true, sizeBytes: GiB })), 'have no unused device with 1 GiB');
  assert.equal(short(full, volume('v', { exclusive: true, on: '/data1' })), 'have device /data1 in use already');
  assert.equal(short(full, volume('v', { on: '/data7' })), 'have no device /data7');
  assert.equal(short(full, volume('v', { on: '/data1', sizeBytes: 50 * GiB })), 'have no 50 GiB free on /data1');
  const many = ['a', 'b', 'c', 'd', 'e'].map((name) => volume(name, { sizeBytes: 40 * GiB }));
  assert.equal(short(full, ...many), 'have no devices for volumes a, b, c, d, e at once');
  const shortKept = (keep: HeldVolumes, ...asked: readonly RevisionVolume[]): string => {
    const ask = volumes.askOf(withVolumes(...asked));
    assert.ok(ask !== undefined);
    return volumes.short(full, ask, facts, keep).text;
  };
  const data = (device: string): HeldVolumes => [used(device, 10, { name: 'data' })];
  const larger = volume('data', { sizeBytes: 41 * GiB });
  assert.equal(shortKept(data('/data2'), larger), 'have no 31 GiB more on /data2, where data is');
  assert.equal(shortKept(data('/gone'), larger), 'have no device /gone, where data is');
  assert.equal(shortKept(data('/data2'), { ...larger, exclusive: true }), 'have device /data2 in use already');
  const none = volumes.open(factsOf(node('n1')));
  assert.equal(short(none, volume('v', { sizeBytes: 1 })), 'have no device for volumes');
});
