import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import type { Json } from '../../../model/platform.ts'
import { base32, cidBytes, cidOf, sha256OfCid } from './cid.ts'
import { dagCbor } from './dag-cbor.ts'
import { createTids, tidPattern } from './tid.ts'

// Values and CIDs of atproto's interop-test-files/data-model/data-model-fixtures.json (read 2026-11-24).
const link = { $link: 'bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a' }
const bytes = { $bytes: 'nFERjvLLiw9qm45JrqH9QTzyC2Lu1Xb4ne6+sBrCzI0' }
const vectors: { value: Json; cid: string }[] = [
  {
    value: {
      string: 'abc',
      unicode: 'a~öñ©⽘☎𓋓😀👨\u200d👩\u200d👧\u200d👧',
      integer: 123,
      bool: true,
      null: null,
      array: ['abc', 'def', 'ghi'],
      object: { string: 'abc', number: 123, bool: true, arr: ['abc', 'def', 'ghi'] },
    },
    cid: 'bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq',
  },
  {
    value: {
      a: link,
      b: bytes,
      c: {
        $type: 'blob',
        ref: { $link: 'bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity' },
        mimeType: 'image/jpeg',
        size: 10000,
      },
    },
    cid: 'bafyreihldkhcwijkde7gx4rpkkuw7pl6lbyu5gieunyc7ihactn5bkd2nm',
  },
  {
    value: {
      a: { b: [{ d: [link, link], e: [bytes, { $bytes: 'iE+sPoHobU9tSIqGI+309LLCcWQIRmEXwxcoDt19tas' }] }] },
    },
    cid: 'bafyreid3imdulnhgeytpf6uk7zahjvrsqlofkmm5b5ub2maw4kqus6jp4i',
  },
]

test('records have the CIDs that atproto computes for them', () => {
  for (const { value, cid } of vectors) assert.equal(cidOf(dagCbor(value), 'dag-cbor'), cid)
})

test('the order of keys does not change a CID', () => {
  assert.deepEqual(dagCbor({ bb: 1, a: 2, c: 3 }), dagCbor({ c: 3, a: 2, bb: 1 }))
})

test('integers take the fewest bytes at every boundary', () => {
  const hex = (value: number) => dagCbor(value).toString('hex')
  assert.deepEqual([0, 23, 24, 255, 256, 65535, 65536, 4294967295, 4294967296, -1, -25].map(hex), [
    '00',
    '17',
    '1818',
    '18ff',
    '190100',
    '19ffff',
    '1a00010000',
    '1affffffff',
    '1b0000000100000000',
    '20',
    '3818',
  ])
})

test('what the data model has no place for is not encoded', () => {
  const unfit: Json[] = [1.5, Number.NaN, 2 ** 53, { $link: 'bafy' }, { $bytes: 1 }]
  for (const value of unfit) {
    assert.throws(() => dagCbor(value), RangeError)
  }
})

test('a CID gives its SHA-256 back, and a changed character does not pass', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (content) => {
      const cid = cidOf(content, 'raw')
      assert.match(cid, /^bafkrei[a-z2-7]{52}$/)
      assert.equal(sha256OfCid(cid).length, 64)
      assert.equal(base32(cidBytes(cid)!), cid.slice(1))
      assert.equal(cidBytes(`${cid.slice(0, -1)}1`), null)
      assert.equal(cidBytes(cid.slice(0, -1)), null)
    }),
  )
})

test('TIDs only grow, also when the clock stands still', () => {
  const next = createTids(() => 1_795_000_000_000)
  const tids = Array.from({ length: 100 }, next)
  assert.deepEqual(tids, [...new Set(tids)].sort())
  for (const tid of tids) assert.match(tid, tidPattern)
})
