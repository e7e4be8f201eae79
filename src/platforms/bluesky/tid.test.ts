import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newTid } from './tid.ts'

const atMs = Date.parse('2026-11-24T10:00:00.123Z')

test('a key is a valid TID of its millisecond', () => {
  for (let made = 0; made < 1000; made += 1) {
    const tid = newTid(atMs)
    assert.match(tid, /^[234567a-j][234567a-z]{12}$/)
    assert.equal(millisecondOf(tid), atMs)
  }
})

test('keys sort by time and do not repeat within a millisecond', () => {
  assert.ok(newTid(atMs) < newTid(atMs + 1) && newTid(atMs + 1) < newTid(atMs + 1000))
  assert.ok(newTid(Date.parse('2200-01-01T00:00:00Z')) > newTid(atMs))
  const many = new Set(Array.from({ length: 1000 }, () => newTid(atMs)))
  assert.ok(many.size > 980, `${many.size} of 1000`)
})

function millisecondOf(tid: string): number {
  const alphabet = '234567abcdefghijklmnopqrstuvwxyz'
  const bits = Array.from(tid).reduce((value, letter) => value * 32n + BigInt(alphabet.indexOf(letter)), 0n)
  return Number((bits >> 10n) / 1000n)
}
