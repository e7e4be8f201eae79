import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { createLog } from './log.ts'
import { redact } from './redact.ts'

const secrets = {
  bearer: 'Bearer abcDEF123456',
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkaWQ6cGxjIn0.c2lnbmF0dXJl',
  key: 'blf_live_0123456789abcdefghijABCDEFGHIJ0123456789ab',
  appPassword: 'abcd-efgh-ijkl-mnop',
  query: 'access_token=EAAB1234567',
}

test('secrets are taken out by the name of their field and by their look, at any depth', () => {
  const text = JSON.stringify(
    redact({
      access_token: 'opaque-one',
      deep: [{ refreshToken: 'opaque-two', list: { client_secret: 'opaque-three' } }],
      message: `got ${secrets.bearer}, ${secrets.jwt}, ${secrets.key}, ${secrets.appPassword}`,
      url: `https://graph.example.com/me?${secrets.query}&limit=1`,
    }),
  )
  for (const secret of [
    'opaque-one',
    'opaque-two',
    'opaque-three',
    'abcDEF',
    'eyJhb',
    '0123456789abcdef',
    'efgh-ijkl',
    'EAAB',
  ]) {
    assert.ok(!text.includes(secret), `${secret} in ${text}`)
  }
  assert.match(text, /limit=1/)
})

test('a log line carries no secret, neither in its facts nor in its message nor in an error', () => {
  let written = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      written += chunk
      done()
    },
  })
  const log = createLog('info', stream)
  log.info(
    { authorization: secrets.bearer, err: new Error(`refused ${secrets.jwt}`), post_id: 'sp_1' },
    `sent ${secrets.key}`,
  )
  assert.match(written, /"post_id":"sp_1"/)
  for (const secret of ['abcDEF', 'eyJhb', '0123456789abcdef']) assert.ok(!written.includes(secret), written)
})
