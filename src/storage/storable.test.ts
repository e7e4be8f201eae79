import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storableJson, storableText } from './storable.ts'

test('NUL and halves of surrogate pairs are replaced, all else stays', () => {
  assert.equal(storableText('a\0b \ud83d c 😀 \\u0000'), 'a\ufffdb \ufffd c 😀 \\u0000')
  assert.equal(storableText(null), null)
  const value = { 'k\0': ['a\0b', 'cut \ud83d', '\udc00', '😀', '\\u0000 \\\\ud83d', '\u0001\n"\\'], n: null }
  const stored = { 'k\ufffd': ['a\ufffdb', 'cut \ufffd', '\ufffd', '😀', '\\u0000 \\\\ud83d', '\u0001\n"\\'], n: null }
  assert.deepEqual(JSON.parse(storableJson(value)!), stored)
  assert.equal(storableJson(null), null)
})
