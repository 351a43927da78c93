import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareHeld, isAtOrBelow } from '../../src/plan/compare.ts';

const holds = { cpuMillis: 2000, memoryBytes: 0, storageBytes: 0 };

describe('what an engine says that an instance holds', () => {
  it('is no drift where it is what was recorded, or where the engine says nothing', () => {
    assert.deepEqual(
      compareHeld({ ...holds, cpuset: '0-1', ip: '10.1.0.7' }, { cpuset: '0-1', ip: '10.1.0.7' }, []),
      [],
    );
    assert.deepEqual(compareHeld({ ...holds, cpuset: '0-1' }, undefined, []), []);
    assert.deepEqual(compareHeld(holds, {}, []), []);
  });

  it('cores are given back in place; an address, or cores that nobody gave, take a new object', () => {
    const changed = compareHeld({ ...holds, cpuset: '0-1', ip: '10.1.0.7' }, { cpuset: '3', ip: '10.1.0.9' }, []);
    assert.deepEqual(changed, [
      { path: '/holds/cpuset', before: '3', after: '0-1', class: 'live' },
      { path: '/holds/ip', before: '10.1.0.9', after: '10.1.0.7', class: 'recreate' },
    ]);
    assert.deepEqual(compareHeld(holds, { cpuset: '3' }, []), [
      { path: '/holds/cpuset', before: '3', class: 'recreate' },
    ]);
    assert.deepEqual(compareHeld({ ...holds, ip: '10.1.0.7' }, {}, []), [
      { path: '/holds/ip', after: '10.1.0.7', class: 'recreate' },
    ]);
  });

  it('is not looked at where the cluster says so', () => {
    assert.deepEqual(compareHeld(holds, { cpuset: '3' }, ['/holds']), []);
    assert.deepEqual(compareHeld(holds, { cpuset: '3' }, ['/holds/ip']).length, 1);
  });
});

describe('a pointer with a star', () => {
  it('means the field of every member', () => {
    assert.ok(isAtOrBelow('/volumes/0/sizeBytes', '/volumes/*/sizeBytes'));
    assert.ok(isAtOrBelow('/volumes/12/source/kind', '/volumes/*/source'));
    assert.ok(!isAtOrBelow('/volumes/0/mount', '/volumes/*/sizeBytes'));
    assert.ok(!isAtOrBelow('/volumes', '/volumes/*/sizeBytes'), 'a list as a whole is not its members’ field');
    assert.ok(!isAtOrBelow('/ports/0/sizeBytes', '/volumes/*/sizeBytes'));
  });
});
