import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PlacedResource } from '../../../src/plan/resources/resource.ts';
import { node, revision } from '../world.ts';
import { placedResourceContract } from './contract.ts';

/**
 * The smallest resource with pieces, as docs/adding-a-resource.md explains it: a node has numbered licence seats
 * (`labels: {seats: "4"}`), and an instance holds some of them (`options: {seats: 2}`).
 */
const seats: PlacedResource<number, readonly number[], Int32Array> = {
  key: 'seats',
  askOf: ({ options }) => (typeof options?.['seats'] === 'number' ? options['seats'] : undefined),
  heldOf({ devices }) {
    const held = Object.keys(devices?.[kind] ?? {}).map(Number);
    return held.length === 0 ? undefined : held;
  },
  holdsOf: (held) => ({ devices: { [kind]: Object.fromEntries(held.map((seat) => [seat, 1000])) } }),
  poolOf: ({ name }) => name,
  open: ({ definition }) => new Int32Array(Number(definition?.labels['seats'] ?? 0)),
  take: (taken, held) => addTo(taken, held, 1),
  release: (taken, held) => addTo(taken, held, -1),
  choose(taken, ask, { keep }) {
    const kept = (keep ?? []).filter((seat) => taken[seat] === 0).slice(0, ask);
    const others = [...taken.keys()].filter((seat) => taken[seat] === 0 && !kept.includes(seat));
    const chosen = [...kept, ...others].slice(0, ask).sort((a, b) => a - b);
    return chosen.length === ask ? chosen : undefined;
  },
  room: (taken, ask, { atMost }) => Math.min(atMost, Math.floor(freeSeats(taken) / ask)),
  short: (taken, ask) => ({
    text: `have no ${ask} free seats`,
    missing: ask > freeSeats(taken) ? { [kind]: ask - freeSeats(taken) } : {},
  }),
  beyond(held, by) {
    const rest = held.filter((seat) => !by.includes(seat));
    return rest.length === 0 ? undefined : rest;
  },
};

const kind = 'toy/seat';
const freeSeats = (taken: Int32Array): number => taken.filter((count) => count === 0).length;

/** A seat that is held but is not there any more concerns nobody. */
function addTo(taken: Int32Array, held: readonly number[], by: 1 | -1): void {
  for (const seat of held) if (seat < taken.length) taken[seat] = (taken[seat] as number) + by;
}

placedResourceContract('the toy', {
  resource: seats,
  node: fc.integer({ min: 0, max: 6 }).map((count) => node('n1', { labels: { seats: String(count) } })),
  revision: fc.integer({ min: 1, max: 3 }).map((count) => revision({ options: { seats: count } })),
});

test('docs/adding-a-resource.md shows the toy as it is', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/adding-a-resource.md'), 'utf8');
  const [, shown = ''] = /```ts\n(.*?)\n```/s.exec(page) ?? [];
  assert.ok(shown.startsWith('const seats'), 'the page shows it');
  assert.ok(readFileSync(import.meta.filename, 'utf8').includes(shown));
});
