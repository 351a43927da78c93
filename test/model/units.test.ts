import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  formatBitRate,
  formatBytes,
  formatCores,
  formatCountOrPercent,
  formatDuration,
  type Parsed,
  parseBitRate,
  parseBytes,
  parseCores,
  parseCountOrPercent,
  parseDuration,
  parsePieces,
  parsePiecesAsked,
} from '../../src/model/units.ts';

const amount = () =>
  fc.oneof(
    fc.maxSafeNat(),
    fc.nat({ max: 100_000 }),
    fc.nat({ max: 2 ** 20 }).map((n) => n * 2 ** 20),
  );

function accepted<T>(parsed: Parsed<T>): T {
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.reason);
  return parsed.value;
}

function reasonOf(parsed: Parsed<unknown>): string {
  assert.ok(!parsed.ok, `expected a refusal, got ${JSON.stringify(parsed)}`);
  return parsed.reason;
}

describe('quantities', () => {
  it('reads cores as exact millicores', () => {
    for (const [input, millis] of [
      ['500m', 500],
      ['1.5', 1500],
      [2, 2000],
      ['1.15', 1150],
      [1.15, 1150],
      [0.1, 100],
      ['0.001', 1],
      ['1.0000', 1000],
      [0, 0],
    ] as const) {
      assert.equal(accepted(parseCores(input)), millis, String(input));
    }
  });

  it('reads pieces as exact thousandths, and lets one instance ask for a part of one piece only', () => {
    for (const [input, milli] of [
      [2, 2000],
      ['500m', 500],
      [0.333, 333],
      ['1', 1000],
      [0, 0],
    ] as const) {
      assert.equal(accepted(parsePieces(input)), milli, String(input));
      assert.equal(accepted(parsePiecesAsked(input)), milli, String(input));
    }
    assert.equal(accepted(parsePieces('1500m')), 1500);
    assert.match(reasonOf(parsePiecesAsked('1500m')), /more than one piece and not whole/);
    for (const parse of [parsePieces, parsePiecesAsked]) {
      assert.match(reasonOf(parse('0.0005')), /finer than a thousandth/);
      assert.match(reasonOf(parse('2GiB')), /"GiB" is not a unit of pieces/);
      assert.match(reasonOf(parse('one')), /is not a number of pieces/);
      assert.match(reasonOf(parse(-1)), /is not a number of pieces/);
    }
  });

  it('reads bytes in binary and decimal units', () => {
    for (const [input, bytes] of [
      ['512MiB', 536_870_912],
      ['512Mi', 536_870_912],
      ['1GB', 1_000_000_000],
      ['1G', 1_000_000_000],
      ['1k', 1000],
      ['1K', 1000],
      ['1KB', 1000],
      ['1KiB', 1024],
      ['1.5GiB', 1_610_612_736],
      ['7B', 7],
      [1024, 1024],
      ['1TiB', 1_099_511_627_776],
    ] as const) {
      assert.equal(accepted(parseBytes(input)), bytes, String(input));
    }
  });

  it('reads bit rates and durations', () => {
    assert.equal(accepted(parseBitRate('100Mbit')), 100_000_000);
    assert.equal(accepted(parseBitRate('10Gbit')), 10_000_000_000);
    assert.equal(accepted(parseBitRate('2.5Gbit')), 2_500_000_000);
    for (const [input, ms] of [
      ['2m30s', 150_000],
      ['500ms', 500],
      ['1h', 3_600_000],
      ['24h', 86_400_000],
      ['1d', 86_400_000],
      ['1.5s', 1500],
      ['0s', 0],
      [0, 0],
    ] as const) {
      assert.equal(accepted(parseDuration(input)), ms, String(input));
    }
  });

  it('reads counts and percentages', () => {
    assert.deepEqual(accepted(parseCountOrPercent(3)), { kind: 'count', count: 3 });
    assert.deepEqual(accepted(parseCountOrPercent('10%')), { kind: 'percent', percent: 10 });
    assert.match(reasonOf(parseCountOrPercent('101%')), /more than 100%/);
    assert.match(reasonOf(parseCountOrPercent('1.5')), /whole number/);
    assert.match(reasonOf(parseCountOrPercent(-1)), /whole number/);
  });

  it('refuses what it cannot hold exactly, and says why', () => {
    assert.match(reasonOf(parseCores('1.0005')), /finer than a millicore/);
    assert.match(reasonOf(parseCores('0.5m')), /finer than a millicore/);
    assert.match(reasonOf(parseCores('2 cores')), /not a number of cores/);
    assert.match(reasonOf(parseCores('-1')), /not a number of cores/);
    assert.match(reasonOf(parseBytes('0.3KiB')), /whole number of bytes/);
    assert.match(reasonOf(parseBytes('512mb')), /did you mean "MB"/);
    assert.match(reasonOf(parseBytes('5Gbit')), /not a unit of bytes/);
    assert.match(reasonOf(parseBytes(2 ** 53)), /2\^53/);
    assert.match(reasonOf(parseBytes('9PiB')), /2\^53/);
    assert.match(reasonOf(parseBytes('9'.repeat(500))), /not an amount/);
    assert.match(reasonOf(parseBytes(1e300)), /not an amount/);
    assert.match(reasonOf(parseBytes(Number.NaN)), /not an amount/);
    assert.match(reasonOf(parseBitRate(100)), /no unit/);
    assert.match(reasonOf(parseBitRate('100MB')), /not a unit of bit rates/);
    assert.match(reasonOf(parseDuration(30)), /no unit/);
    assert.match(reasonOf(parseDuration('30s2m')), /large to small/);
    assert.match(reasonOf(parseDuration('1s1s')), /each once/);
    assert.match(reasonOf(parseDuration('5min')), /not a unit of time/);
    assert.match(reasonOf(parseDuration('0.5ms')), /finer than a millisecond/);
    assert.match(reasonOf(parseDuration('')), /not a duration/);
  });

  it('formats as a person would write it', () => {
    assert.deepEqual([500, 1500, 1150, 2000, 0, 1].map(formatCores), ['500m', '1.5', '1.15', '2', '0', '1m']);
    assert.deepEqual([536_870_912, 1_610_612_736, 1_000_000_000, 1024, 7, 0, -1024].map(formatBytes), [
      '512MiB',
      '1.5GiB',
      '1GB',
      '1KiB',
      '7B',
      '0B',
      '-1KiB',
    ]);
    assert.deepEqual([100_000_000, 2_500_000_000, 7].map(formatBitRate), ['100Mbit', '2.5Gbit', '7bit']);
    assert.deepEqual([150_000, 500, 86_400_000, 1500, 0, 61_500].map(formatDuration), [
      '2m30s',
      '500ms',
      '24h',
      '1.5s',
      '0s',
      '1m1.5s',
    ]);
  });

  it('reads back every amount that it formats', () => {
    fc.assert(
      fc.property(amount(), (value) => {
        assert.equal(accepted(parseCores(formatCores(value))), value);
        assert.equal(accepted(parseBytes(formatBytes(value))), value);
        assert.equal(accepted(parseBitRate(formatBitRate(value))), value);
        assert.equal(accepted(parseDuration(formatDuration(value))), value);
      }),
    );
    fc.assert(
      fc.property(fc.nat({ max: 100 }), (n) => {
        for (const parsed of [parseCountOrPercent(n), parseCountOrPercent(`${n}%`)]) {
          assert.deepEqual(parseCountOrPercent(formatCountOrPercent(accepted(parsed))), parsed);
        }
      }),
    );
  });

  it('agrees with itself across units and loses no precision', () => {
    fc.assert(
      fc.property(fc.nat({ max: 4_000_000 }), fc.nat({ max: 999 }), (whole, thousandths) => {
        const decimal = `${whole}.${String(thousandths).padStart(3, '0')}`;
        const millis = whole * 1000 + thousandths;
        assert.equal(accepted(parseCores(decimal)), millis);
        assert.equal(accepted(parseCores(Number(decimal))), millis);
        assert.equal(accepted(parseCores(`${millis}m`)), millis);
        assert.equal(accepted(parseBytes(`${decimal}kB`)), millis);
        assert.equal(accepted(parseBytes(`${whole}MiB`)), accepted(parseBytes(`${whole * 1024}Ki`)));
        assert.equal(accepted(parseDuration(`${decimal}s`)), millis);
        assert.equal(accepted(parseBitRate(`${decimal}kbit`)), millis);
      }),
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double()), (input) => {
        for (const parse of [parseCores, parseBytes, parseBitRate, parseDuration]) {
          const parsed = parse(input);
          if (parsed.ok) assert.ok(Number.isSafeInteger(parsed.value) && parsed.value >= 0);
          else assert.ok(parsed.reason.length > 0);
        }
      }),
    );
  });
});
