import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BelfryError } from '../model/errors.ts'
import { parseJson } from './json.ts'

const parse = (text: string) => parseJson(Buffer.from(text))

function refusal(text: string | Buffer): string {
  try {
    parseJson(Buffer.from(text))
  } catch (error) {
    assert.ok(error instanceof BelfryError && error.code === 'malformed_json')
    return error.message
  }
  return assert.fail(`taken: ${text}`)
}

test('an empty body is an empty object', () => {
  assert.deepEqual(parse(''), {})
  assert.deepEqual(parse(' \n'), {})
})

test('whole characters are taken, half ones and NUL are refused in texts and in keys', () => {
  assert.deepEqual(parse('{"a":"😀 \\ud83d\\ude00"}'), { a: '😀 😀' })
  for (const text of ['{"a":"\\ud83d"}', '{"a":["\\ude00\\ud83d"]}', '{"\\ud83d":1}', '"\\udfff"']) {
    assert.match(refusal(text), /surrogate/)
  }
  for (const text of ['{"a":"\\u0000"}', '{"a\\u0000b":1}', '["x\\u0000"]']) assert.match(refusal(text), /NUL/)
})

test('bytes that are not UTF-8 are refused, not replaced', () => {
  assert.match(refusal(Buffer.from([0x22, 0xff, 0xfe, 0x22])), /UTF-8/)
})

test('32 levels are taken and 33 refused, also a million', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  parse(nested(32))
  assert.match(refusal(nested(33)), /32 levels/)
  assert.match(refusal(nested(400_000)), /32 levels/)
  assert.match(refusal(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`), /32 levels/)
})

test('prototype keys are dropped', () => {
  const value = parse('{"a":1,"__proto__":{"polluted":true},"b":{"constructor":{"prototype":{"polluted":true}}}}')
  assert.deepEqual(Object.keys(value as object), ['a', 'b'])
  assert.ok(!('polluted' in (value as object)))
  assert.ok(!('polluted' in {}))
})

test('what is not JSON is refused, and the message does not repeat the body', () => {
  for (const text of ['{', '{"a":}', 'nope', "{'a':1}", '{"access_token":"s3cret" "x"}']) {
    assert.ok(!refusal(text).includes('s3cret'), refusal(text))
  }
  assert.match(refusal('1e999'), /too large/)
})
