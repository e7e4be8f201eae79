import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashApiKey, isApiKey, makeApiKey } from './api-keys.ts'

test('a made key is recognised, and what is stored of it is its hash and its first characters', () => {
  const { key, hash, hint } = makeApiKey()
  assert.match(key, /^blf_live_[0-9A-Za-z]{38}$/)
  assert.ok(isApiKey(key))
  assert.deepEqual(hash, hashApiKey(key))
  assert.equal(hint, key.slice(0, 13))
  assert.notEqual(makeApiKey().key, key)
})

test('a key with one wrong, missing or added character is refused without a query', () => {
  const { key } = makeApiKey()
  const at = 20
  const wrong = key[at] === 'A' ? 'B' : 'A'
  assert.ok(!isApiKey(key.slice(0, at) + wrong + key.slice(at + 1)))
  assert.ok(!isApiKey(key.slice(0, -1)))
  assert.ok(!isApiKey(`${key}0`))
  assert.ok(!isApiKey(key.replace('live', 'test')))
  assert.ok(!isApiKey(''))
})
