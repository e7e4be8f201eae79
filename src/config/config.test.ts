import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StartError } from '../model/errors.ts'
import { readConfig } from './config.ts'

const secret = Buffer.alloc(32, 7).toString('base64')

test('dev needs no setting at all, serve needs its secret', () => {
  const dev = readConfig({}, 'dev')
  assert.equal(dev.port, 3000)
  assert.equal(dev.host, '127.0.0.1')
  assert.equal(dev.rateLimit, null)
  assert.equal(dev.allowPrivateNetwork, true)
  assert.throws(() => readConfig({}, 'serve'), /BELFRY_SECRET is missing; it takes at least 32/)
  const serve = readConfig({ BELFRY_SECRET: secret }, 'serve')
  assert.deepEqual(serve.rateLimit, { perSecond: 200, perMinute: 6000 })
  assert.equal(serve.allowPrivateNetwork, false)
})

test('a wrong value stops the start with one line that names the variable, what it got and what it takes', () => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ PORT: 'eighty' }, /^PORT is "eighty"; it takes a whole number from 0 to 65535\.$/],
    [{ PORT: '70000' }, /PORT is "70000"/],
    [{ BELFRY_PUBLIC_URL: 'social.example.com' }, /BELFRY_PUBLIC_URL is "social\.example\.com"; it takes an address/],
    [{ BELFRY_ROLES: 'api,cook' }, /BELFRY_ROLES is "api,cook"; it takes a comma list of api, worker, web/],
    [{ BELFRY_RATE_LIMIT: 'fast' }, /BELFRY_RATE_LIMIT is "fast"; it takes two limits such as 200\/s,6000\/m, or off/],
    [{ BELFRY_ALLOW_PRIVATE_NETWORK: 'maybe' }, /it takes on or off/],
    [{ BELFRY_EVENT_DAYS: '0' }, /BELFRY_EVENT_DAYS is "0"/],
    [{ LOG_LEVEL: 'loud' }, /LOG_LEVEL is "loud"; it takes one of trace/],
    [{ BELFRY_TEST_CLOCK_OFFSET_MS: '5', NODE_ENV: 'production' }, /BELFRY_TEST_CLOCK_OFFSET_MS is "5"/],
    [{ BELFRY_BLUESKY_BASE_URL: 'ftp://x' }, /BELFRY_BLUESKY_BASE_URL is "ftp:…"/],
  ]
  for (const [env, line] of wrong) {
    assert.throws(
      () => readConfig({ BELFRY_SECRET: secret, ...env }, 'serve'),
      (error) => error instanceof StartError && line.test(error.message) && !error.message.includes('\n'),
      JSON.stringify(env),
    )
  }
})

test('what is secret in a wrong value is not shown', () => {
  const cases: Record<string, string>[] = [
    { BELFRY_SECRET: 'hunter2hunter2' },
    { BELFRY_SECRET: secret, DATABASE_URL: 'mysql://root:hunter2@db/x' },
    { BELFRY_SECRET: secret, BELFRY_PUBLIC_URL: 'https://root:hunter2@example.com' },
  ]
  for (const env of cases) {
    assert.throws(
      () => readConfig(env, 'serve'),
      (error) => error instanceof StartError && !error.message.includes('hunter2'),
    )
  }
})
