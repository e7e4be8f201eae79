import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { request as rawRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import fastify from 'fastify'
import { newRkey, openSandbox, pds, png, post } from '../../test/sandbox/setup.ts'
import { createClock } from '../runtime/clock.ts'
import { silentLog } from '../runtime/log.ts'
import { createSandbox } from './sandbox.ts'
import { startSandboxServer } from './server.ts'

async function temporaryDir(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'belfry-sandbox-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  return dir
}

test('published posts page in order of acceptance and are found by platform, account and words', async (t) => {
  const sandbox = await openSandbox(t)
  const [alice, bob] = [await sandbox.account(), await sandbox.account()]
  for (let index = 0; index < 7; index += 1) {
    await sandbox.put(index % 2 === 0 ? alice : bob, newRkey(), post(`Number ${index}`))
  }
  const list = async (query: string) => (await sandbox.call('GET', `/sandbox/published?${query}`)).body
  const captions = (page: { data: { caption: string }[] }) => page.data.map(({ caption }) => caption.at(-1)).join('')
  const seen: string[] = []
  for (let after = ''; ; ) {
    const page = await list(`limit=3&${after}`)
    seen.push(captions(page))
    if (page.next === null) break
    after = `after=${page.next}`
  }
  assert.deepEqual(seen, ['012', '345', '6'])
  assert.equal(captions(await list(`user_id=${bob.user_id}`)), '135')
  assert.equal(captions(await list('q=nUMBER%204')), '4')
  assert.equal(captions(await list('platform=bluesky&limit=5000')), '0123456')
  assert.deepEqual(await list('platform=mastodon'), { data: [], next: null })
  for (const query of ['limit=0', 'limit=x', 'platform=nope', 'after=x']) {
    assert.equal((await sandbox.call('GET', `/sandbox/published?${query}`)).status, 400)
  }
})

test('emptying the timelines takes the records too, and keeps accounts and logins', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  const rkey = newRkey()
  await sandbox.put(alice, rkey, post('x'))
  assert.deepEqual((await sandbox.call('DELETE', '/sandbox/published')).body, { removed: 1 })
  assert.deepEqual((await sandbox.call('GET', '/sandbox/published')).body, { data: [], next: null })
  const again = await sandbox.put(alice, rkey, post('x'))
  assert.equal('commit' in again.body, true)
})

test('received_at is the time at the emulator, with milliseconds', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  sandbox.clock.forward(3_600_000)
  const before = sandbox.clock.nowMs()
  await sandbox.put(alice, newRkey(), post('later'))
  const [{ received_at }] = (await sandbox.call('GET', '/sandbox/published')).body.data
  assert.match(received_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.ok(Date.parse(received_at) >= before && Date.parse(received_at) <= sandbox.clock.nowMs())
})

test('accounts, logins, posts, files, their order and cursors survive a restart', async (t) => {
  const dataDir = await temporaryDir(t)
  const first = await openSandbox(t, { dataDir })
  const alice = await first.account('alice')
  const headers = { authorization: `Bearer ${alice.access_token}`, 'content-type': 'image/png' }
  const { blob } = (await first.call('POST', `${pds}/xrpc/com.atproto.repo.uploadBlob`, png(), headers)).body
  const embed = { $type: 'app.bsky.embed.images', images: [{ image: blob, alt: 'a' }] }
  const rkeys = [newRkey(), newRkey(), newRkey()]
  await first.put(alice, rkeys[0]!, post('one', { embed }))
  await first.put(alice, rkeys[1]!, post('two'))
  const { body: refreshed } = await first.xrpc(
    'POST',
    'com.atproto.server.refreshSession',
    undefined,
    alice.refresh_token!,
  )
  const { body: page } = await first.call('GET', '/sandbox/published?limit=1')
  await first.close()

  const second = await openSandbox(t, { dataDir })
  const { body: rest } = await second.call('GET', `/sandbox/published?after=${page.next}`)
  assert.deepEqual(
    rest.data.map((entry: { caption: string }) => entry.caption),
    ['two'],
  )
  assert.deepEqual((await second.call('GET', '/sandbox/published?limit=1')).body, page)
  const repeated = await second.put(alice, rkeys[1]!, post('two'))
  assert.deepEqual([repeated.status, 'commit' in repeated.body], [200, false])
  assert.equal((await second.put(alice, rkeys[2]!, post('three', { embed }))).status, 200)
  const session = await second.xrpc('POST', 'com.atproto.server.refreshSession', undefined, refreshed.refreshJwt)
  assert.equal(session.status, 200)
  const media = await second.call('GET', `/sandbox/media/${page.data[0].media[0].sha256}`)
  assert.equal(media.headers.get('content-type'), 'image/png')
  assert.equal((await second.account('alice')).user_id, alice.user_id)
})

test('a journal whose last line was torn loads, and what follows is kept', async (t) => {
  const dataDir = await temporaryDir(t)
  const first = await openSandbox(t, { dataDir })
  const alice = await first.account()
  await first.put(alice, newRkey(), post('whole'))
  await first.close()
  await appendFile(join(dataDir, 'journal.jsonl'), '{"platform":"bluesky","is":"wri')
  const second = await openSandbox(t, { dataDir })
  await second.put(alice, newRkey(), post('after'))
  await second.close()
  const third = await openSandbox(t, { dataDir })
  const { data } = (await third.call('GET', '/sandbox/published')).body
  assert.deepEqual(
    data.map((entry: { caption: string }) => entry.caption),
    ['whole', 'after'],
  )
})

test('an emptied sandbox stays empty after a restart', async (t) => {
  const dataDir = await temporaryDir(t)
  const first = await openSandbox(t, { dataDir })
  await first.put(await first.account(), newRkey(), post('gone'))
  await first.call('DELETE', '/sandbox/published')
  await first.close()
  const second = await openSandbox(t, { dataDir })
  assert.deepEqual((await second.call('GET', '/sandbox/published')).body.data, [])
})

test('only the owner can read what the sandbox keeps', async (t) => {
  const dataDir = join(await temporaryDir(t), 'data')
  const sandbox = await openSandbox(t, { dataDir })
  await sandbox.account()
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777
  assert.equal(await modeOf(dataDir), 0o700)
  assert.equal(await modeOf(join(dataDir, 'journal.jsonl')), 0o600)
  assert.deepEqual((await readdir(dataDir)).sort(), ['blobs', 'journal.jsonl'])
})

test('requests are listed with their verdict and without a single secret', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  const password = alice.metadata['bluesky_app_password']!
  const login = { identifier: alice.username, password }
  await sandbox.xrpc('POST', 'com.atproto.server.createSession', login)
  await sandbox.xrpc('POST', 'com.atproto.server.refreshSession', undefined, alice.refresh_token!)
  await sandbox.put(alice, newRkey(), post('fine'))
  await sandbox.put(alice, newRkey(), post('x'.repeat(301)))
  const path = `${pds}/xrpc/com.atproto.server.createSession`
  const broken = JSON.stringify(login).slice(0, -1)
  await sandbox.call('POST', path, Buffer.from(broken), { 'content-type': 'application/json' })
  const { body } = await sandbox.call('GET', '/sandbox/requests?platform=bluesky&limit=3')
  const all = await sandbox.call('GET', '/sandbox/requests')
  assert.equal(all.body.data.length, 5)
  const [fine, long, last] = body.data
  assert.deepEqual(fine.verdict, { valid: true })
  assert.deepEqual([fine.status, fine.user_id, fine.body.record.text], [200, alice.user_id, 'fine'])
  assert.equal(fine.url, 'https://pds.belfry-sandbox.test/xrpc/com.atproto.repo.putRecord')
  assert.equal(long.verdict.valid, false)
  assert.match(long.verdict.problem, /grapheme too big \(maximum 300, got 301\) at \$\.record\.text/)
  assert.equal(last.verdict.valid, false)
  const text = JSON.stringify(all.body)
  for (const secret of [password, alice.access_token, alice.refresh_token!]) assert.equal(text.includes(secret), false)
})

test('a movable clock moves tokens and posts with it, and another one is left alone', async (t) => {
  const sandbox = await openSandbox(t)
  const move = (body: unknown) => sandbox.call('POST', '/sandbox/clock', body)
  const before = Date.parse((await sandbox.call('GET', '/sandbox/clock')).body.now)
  const { now } = (await move({ forward_ms: 86_400_000 })).body
  assert.ok(Date.parse(now) - before >= 86_400_000)
  assert.ok(sandbox.clock.offsetMs() === 86_400_000)
  assert.ok(Date.parse((await move({ reset: true })).body.now) - before < 60_000)
  for (const body of [{}, { forward_ms: -1 }, { forward_ms: 1, reset: true }, { reset: 1 }]) {
    assert.equal((await move(body)).status, 400)
  }
  const fixed = await openSandbox(t, { movable: false })
  const { status, body } = await fixed.call('POST', '/sandbox/clock', { forward_ms: 1 })
  assert.equal(status, 403)
  assert.match(body.message, /only "belfry dev"/)
})

test('accounts are made for emulated platforms only, under names that can be handles', async (t) => {
  const { call } = await openSandbox(t)
  const make = (body: object) => call('POST', '/sandbox/accounts', body)
  const { body: ready } = await make({ platform: 'bluesky', username: 'Zoe.example.com' })
  assert.equal(ready.username, 'zoe.example.com')
  assert.deepEqual(Object.keys(ready), [
    'platform',
    'user_id',
    'username',
    'access_token',
    'refresh_token',
    'access_token_expires_at',
    'refresh_token_expires_at',
    'metadata',
  ])
  assert.match((await make({ platform: 'x' })).body.message, /emulates bluesky/)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const byCurl = await call('POST', '/sandbox/accounts', Buffer.from('{"platform":"bluesky"}'), form)
  assert.equal(byCurl.status, 201)
  assert.match((await make({})).body.message, /^platform: got nothing; takes one of/)
  assert.match((await make({ platform: 'bluesky', username: 'a b' })).body.message, /^username: got "a b"; takes/)
})

test('as a plugin it keeps its parsers and errors to itself', async (t) => {
  const clock = createClock()
  const sandbox = await createSandbox({ clock, dataDir: null, log: silentLog(), movable: true })
  const app = fastify({ routerOptions: { ignoreTrailingSlash: true } })
  app.setErrorHandler((error: Error, _request, reply) => reply.code(418).send({ outer: error.message }))
  app.post('/v1/echo', (request) => request.body)
  await app.register(sandbox.plugin)
  t.after(() => app.close().then(() => sandbox.close()))
  const echo = await app.inject({ method: 'POST', url: '/v1/echo', payload: { a: 1 } })
  assert.deepEqual(echo.json(), { a: 1 })
  const broken = await app.inject({
    method: 'POST',
    url: '/v1/echo',
    payload: '{',
    headers: { 'content-type': 'application/json' },
  })
  assert.equal(broken.statusCode, 418)
  assert.equal((await app.inject('/sandbox/published?limit=x')).statusCode, 400)
  assert.equal((await app.inject('/sandbox')).statusCode, 200)
})

test('with a key, steering needs it; without one, other web pages still may not steer', async (t) => {
  const guarded = await openSandbox(t, { exposeKey: 'blf_test_secret' })
  const get = (headers: Record<string, string>) => guarded.call('GET', '/sandbox/published', undefined, headers)
  assert.equal((await get({})).status, 401)
  assert.equal((await get({ authorization: 'Bearer nope' })).status, 401)
  assert.equal((await get({ authorization: 'Bearer blf_test_secret' })).status, 200)
  const basic = Buffer.from('me:blf_test_secret').toString('base64')
  assert.equal((await guarded.call('GET', '/sandbox/', undefined, { authorization: `Basic ${basic}` })).status, 200)
  const open = await openSandbox(t)
  for (const origin of ['https://evil.example', 'null']) {
    assert.equal((await open.call('DELETE', '/sandbox/published', undefined, { origin })).status, 403)
  }
  assert.equal((await open.call('DELETE', '/sandbox/published', undefined, { origin: open.url })).status, 200)
})

test('alone it serves its own root, and does not answer to a foreign host name', async (t) => {
  const server = await startSandboxServer({ port: 0, dataDir: null, log: silentLog(), clock: createClock() })
  t.after(() => server.close())
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  assert.equal((await fetch(server.url)).url, `${server.url}/sandbox/`)
  const status = await new Promise((resolve, reject) => {
    const foreign = rawRequest(`${server.url}/sandbox/published`, { headers: { host: 'evil.example' } })
    foreign.on('response', (response) => resolve(response.statusCode)).on('error', reject)
    foreign.end()
  })
  assert.equal(status, 403)
})

test('500 accounts that are made at once are 500 different ones', async (t) => {
  const { call } = await openSandbox(t, { dataDir: await temporaryDir(t) })
  const made = await Promise.all(
    Array.from({ length: 500 }, () => call('POST', '/sandbox/accounts', { platform: 'bluesky' })),
  )
  assert.equal(new Set(made.map(({ body }) => body.user_id)).size, 500)
  assert.equal(new Set(made.map(({ body }) => body.username)).size, 500)
})
