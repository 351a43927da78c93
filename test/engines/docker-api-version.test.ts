import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseApiVersion } from '../../src/engines/docker/api-version.ts';

test('a daemon is asked in the oldest version that Muster speaks, where it allows that', () => {
  assert.equal(chooseApiVersion({ ApiVersion: '1.41', MinAPIVersion: '1.12' }), '1.41');
  assert.equal(chooseApiVersion({ ApiVersion: '1.51', MinAPIVersion: '1.24' }), '1.41');
  assert.equal(chooseApiVersion({}), '1.41');
});

test('a daemon that has dropped old versions is asked in the oldest that it still speaks', () => {
  assert.equal(chooseApiVersion({ ApiVersion: '1.52', MinAPIVersion: '1.44' }), '1.44');
});

test('a daemon older than Docker 20.10 is refused in plain words', () => {
  assert.throws(() => chooseApiVersion({ ApiVersion: '1.40', MinAPIVersion: '1.12' }), /Docker 20\.10 or newer/);
});
