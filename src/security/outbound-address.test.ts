import assert from 'node:assert/strict'
import { test } from 'node:test'
import { literalAddress, type Reach, reachOf } from './outbound-address.ts'

const addresses: Record<Reach, string[]> = {
  public: [
    '8.8.8.8',
    '1.1.1.1',
    '192.167.255.255',
    '172.15.0.1',
    '172.32.0.1',
    '2606:4700:4700::1111',
    '2a00:1450:4001:830::200e',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
  ],
  private: [
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '100.127.255.255',
    '192.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::7f00:1',
    '::ffff:127.0.0.1',
    '::ffff:0:127.0.0.1',
    '::ffff:10.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b:1::8.8.8.8',
    '2002:7f00:1::',
    '2002:808:808::1',
    '2001::1',
    '2001:db8::1',
    '3fff::1',
    'fc00::1',
    'fd12:3456:789a::1',
    'fec0::1',
    'ff02::1',
    '100::1',
    '5f00::1',
    'not an address',
    '',
  ],
  never: [
    '169.254.169.254',
    '169.254.0.1',
    '::ffff:169.254.169.254',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::',
    'fe80::1',
    'fd00:ec2::254',
    '100.100.100.200',
  ],
}

for (const [reach, list] of Object.entries(addresses)) {
  test(`${list.length} addresses are ${reach}`, () => {
    for (const address of list) assert.equal(reachOf(address), reach, address)
  })
}

test('every spelling of an IP address in a URL is known as one', () => {
  const spellings = {
    'http://127.1/': '127.0.0.1',
    'http://2130706433/': '127.0.0.1',
    'http://0x7f000001/': '127.0.0.1',
    'http://0177.0.0.1/': '127.0.0.1',
    'http://127.0.0.1./': '127.0.0.1',
    'http://0/': '0.0.0.0',
    'http://①②⑦.0.0.1/': '127.0.0.1',
    'http://127。0。0。1/': '127.0.0.1',
    'http://[::1]/': '::1',
    'http://[::ffff:127.0.0.1]/': '::ffff:7f00:1',
    'http://example.com/': null,
    'http://localhost/': null,
    'http://127.0.0.1.example.com/': null,
  }
  for (const [url, address] of Object.entries(spellings)) {
    assert.equal(literalAddress(new URL(url).hostname), address, url)
  }
})
