import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseStoreLocation } from '../../src/store/open.ts';
import { StoreError } from '../../src/store/store.ts';

describe('store locations', () => {
  it('are understood in every form that the manual shows', () => {
    const etcd = (endpoints: readonly string[], prefix: string) => ({ kind: 'etcd', endpoints, prefix });
    const table: readonly (readonly [string, unknown])[] = [
      ['embedded:.muster', { kind: 'embedded', path: '.muster' }],
      ['embedded:/var/lib/muster', { kind: 'embedded', path: '/var/lib/muster' }],
      ['etcd://10.0.0.1:2379/muster', etcd(['http://10.0.0.1:2379'], '/muster')],
      ['etcd://10.0.0.1:2379', etcd(['http://10.0.0.1:2379'], '/muster')],
      ['etcd://a:1,b:2,[::1]:3/x/y/', etcd(['http://a:1', 'http://b:2', 'http://[::1]:3'], '/x/y')],
      ['etcds://a:1,b:2/x', etcd(['https://a:1', 'https://b:2'], '/x')],
      ['etcd://https://a:1,https://b:2/x', etcd(['https://a:1', 'https://b:2'], '/x')],
      ['etcd://http://a:1/x', etcd(['http://a:1'], '/x')],
    ];
    for (const [text, expected] of table) assert.deepEqual(parseStoreLocation(text), expected, text);
  });

  it('that are wrong say what is wrong and what is allowed', () => {
    const table: readonly (readonly [string, RegExp])[] = [
      ['.muster', /did you mean embedded:\.muster\?/],
      ['embedded:', /path is missing/],
      ['https://10.0.0.1:2379', /did you mean etcds:/],
      ['http://10.0.0.1:2379', /did you mean etcd:/],
      ['redis://a:1', /scheme "redis" is not known/],
      ['etcd://10.0.0.1/muster', /"10\.0\.0\.1" is not HOST:PORT/],
      ['etcd://a:99999/muster', /there is no port 99999/],
      ['etcd:///muster', /"" is not HOST:PORT/],
    ];
    for (const [text, expected] of table) {
      assert.throws(
        () => parseStoreLocation(text),
        (error) =>
          error instanceof StoreError &&
          expected.test(error.message) &&
          /etcd:\/\/10\.0\.0\.1:2379/.test(error.hint ?? ''),
        text,
      );
    }
  });

  it('with credentials in them are refused without repeating the secret', () => {
    assert.throws(
      () => parseStoreLocation('etcd://root:secret@10.0.0.1:2379/muster'),
      (error) =>
        error instanceof StoreError &&
        /credentials never go into a URL/.test(error.message) &&
        !error.message.includes('secret'),
    );
  });
});
