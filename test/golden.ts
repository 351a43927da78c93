import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const folder = join(import.meta.dirname, 'golden');

/** Compares text with `test/golden/<name>`; `npm run golden:update` rewrites the files, and the diff is reviewed. */
export function assertGolden(name: string, actual: string): void {
  const path = join(folder, name);
  const text = actual.endsWith('\n') ? actual : `${actual}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return;
  }
  assert.ok(existsSync(path), `no golden file test/golden/${name}: run npm run golden:update and review it`);
  assert.equal(text, readFileSync(path, 'utf8'), `differs from test/golden/${name}`);
}
