import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, isHostAddress, parseAddress, parseSubnet } from '../../src/model/ipv4.ts';

test('an address is its number and back', () => {
  assert.equal(parseAddress('10.1.0.7'), 0x0a010007);
  fc.assert(fc.property(fc.nat({ max: 2 ** 32 - 1 }), (address) => parseAddress(formatAddress(address)) === address));
});

test('what is not an address is none', () => {
  for (const text of ['', '10.1.0', '10.1.0.256', '10.1.0.1.2', ' 10.1.0.1', '10.1.0.-1', '0x0a.1.0.1', '::1']) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test('a subnet is written with its first address', () => {
  assert.deepEqual(parseSubnet('10.1.0.0/16'), { first: 0x0a010000, last: 0x0a01ffff });
  assert.deepEqual(parseSubnet('0.0.0.0/0'), { first: 0, last: 2 ** 32 - 1 });
  assert.deepEqual(parseSubnet('255.255.255.255/32'), { first: 2 ** 32 - 1, last: 2 ** 32 - 1 });
  for (const text of ['10.1.0.1/16', '10.1.0.0', '10.1.0.0/33', '10.1.0.0/', '10.1.0.0/16/1', '10.1.0.0/ 8']) {
    assert.equal(parseSubnet(text), undefined, text);
  }
});

test('the ends of a subnet are no machine’s, but where it has only two addresses', () => {
  const hosts = (text: string) => {
    const subnet = parseSubnet(text);
    assert.ok(subnet !== undefined);
    const all = Array.from({ length: subnet.last - subnet.first + 3 }, (_, index) => subnet.first - 1 + index);
    return all.filter((address) => isHostAddress(address, subnet)).map(formatAddress);
  };
  assert.deepEqual(hosts('10.0.0.8/30'), ['10.0.0.9', '10.0.0.10']);
  assert.deepEqual(hosts('10.0.0.8/31'), ['10.0.0.8', '10.0.0.9']);
  assert.deepEqual(hosts('10.0.0.8/32'), ['10.0.0.8']);
});
