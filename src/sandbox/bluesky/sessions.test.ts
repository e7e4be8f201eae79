import assert from 'node:assert/strict'
import test from 'node:test'
import { newRkey, openSandbox, post } from '../../../test/sandbox/setup.ts'
import { mainPassword } from './sessions.ts'

const hourMs = 3_600_000

test('an account logs in by handle, DID or e-mail, at the entryway and at its own PDS', async (t) => {
  const { account, call } = await openSandbox(t)
  const { username, user_id, metadata } = await account('alice')
  assert.equal(username, 'alice.belfry-sandbox.test')
  assert.match(user_id, /^did:plc:[a-z2-7]{24}$/)
  assert.match(metadata['bluesky_app_password']!, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/)
  for (const host of ['bsky.social', 'pds.belfry-sandbox.test']) {
    for (const identifier of [
      username,
      username.toUpperCase(),
      user_id,
      'alice-belfry-sandbox-test@belfry-sandbox.test',
    ]) {
      const { status, body } = await call('POST', `/bluesky/${host}/xrpc/com.atproto.server.createSession`, {
        identifier,
        password: metadata['bluesky_app_password'],
      })
      assert.equal(status, 200, JSON.stringify(body))
      assert.equal(body.did, user_id)
      assert.equal(body.didDoc.service[0].id, '#atproto_pds')
      assert.equal(body.didDoc.service[0].serviceEndpoint, 'https://pds.belfry-sandbox.test')
      const claims = JSON.parse(Buffer.from(body.accessJwt.split('.')[1], 'base64url').toString())
      assert.equal(claims.scope, 'com.atproto.appPass')
      assert.equal(claims.exp - claims.iat, 7200)
    }
  }
})

test('an unknown login is told that this is the sandbox, a main password that it needs a code', async (t) => {
  const { account, xrpc } = await openSandbox(t)
  const { username } = await account()
  const login = (identifier: string, password: string) =>
    xrpc('POST', 'com.atproto.server.createSession', { identifier, password })
  for (const [identifier, password] of [
    ['real.bsky.social', 'x'],
    [username, 'abcd-efgh-ijkl-mnop'],
  ] as const) {
    const { status, body } = await login(identifier, password)
    assert.equal(status, 401)
    assert.equal(body.error, 'AuthenticationRequired')
    assert.match(body.message, /this is the sandbox/)
  }
  const { status, body } = await login(username, mainPassword)
  assert.deepEqual([status, body.error], [401, 'AuthFactorTokenRequired'])
})

test('a refresh token rotates, answers the same successor for two hours, and then no more', async (t) => {
  const { account, xrpc, clock } = await openSandbox(t)
  const { refresh_token, access_token } = await account()
  const refresh = (token: string) => xrpc('POST', 'com.atproto.server.refreshSession', undefined, token)
  const idOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString()).jti

  const first = await refresh(refresh_token!)
  assert.equal(first.status, 200)
  assert.notEqual(first.body.refreshJwt, refresh_token)
  const repeated = await refresh(refresh_token!)
  assert.equal(repeated.status, 200)
  assert.equal(idOf(repeated.body.refreshJwt), idOf(first.body.refreshJwt))

  clock.forward(2 * hourMs + 1000)
  const late = await refresh(refresh_token!)
  assert.deepEqual([late.status, late.body.error], [400, 'ExpiredToken'])
  assert.equal((await refresh(first.body.refreshJwt)).status, 200)
  const wrongKind = await refresh(access_token)
  assert.deepEqual([wrongKind.status, wrongKind.body.error], [400, 'ExpiredToken'])
})

test('access tokens end after two hours of the emulator clock, refresh tokens after 90 days', async (t) => {
  const { account, xrpc, clock } = await openSandbox(t)
  const { access_token, refresh_token } = await account()
  const session = () => xrpc('GET', 'com.atproto.server.getSession', undefined, access_token)
  clock.forward(2 * hourMs - 60_000)
  assert.equal((await session()).status, 200)
  clock.forward(60_000)
  const { status, body } = await session()
  assert.deepEqual([status, body.error, body.message], [400, 'ExpiredToken', 'Token has expired'])
  clock.forward(90 * 24 * hourMs)
  const refreshed = await xrpc('POST', 'com.atproto.server.refreshSession', undefined, refresh_token!)
  assert.deepEqual([refreshed.status, refreshed.body.error], [400, 'ExpiredToken'])
})

test('a missing, foreign or wrong token is refused with the PDS’s statuses', async (t) => {
  const { account, xrpc, call } = await openSandbox(t)
  const { access_token, refresh_token } = await account()
  const refusals = [
    [await xrpc('GET', 'com.atproto.server.getSession'), 401, 'AuthMissing'],
    [await xrpc('GET', 'com.atproto.server.getSession', undefined, refresh_token!), 400, 'InvalidToken'],
    [await xrpc('GET', 'com.atproto.server.getSession', undefined, `${access_token}x`), 400, 'InvalidToken'],
    [await xrpc('GET', 'com.atproto.server.getSession', undefined, 'no'), 400, 'InvalidToken'],
    [await xrpc('POST', 'com.atproto.server.refreshSession', undefined, access_token), 400, 'InvalidToken'],
    [await xrpc('POST', 'com.atproto.server.refreshSession', {}, refresh_token!), 400, 'InvalidRequest'],
    [await xrpc('GET', 'com.atproto.server.refreshSession', undefined, refresh_token!), 400, 'InvalidRequest'],
    [await xrpc('POST', 'com.atproto.server.createSession', { identifier: 'a' }), 400, 'InvalidRequest'],
    [await xrpc('GET', 'com.example.nothing'), 501, 'MethodNotImplemented'],
    [await call('GET', '/bluesky/public.api.bsky.app/xrpc/com.atproto.server.getSession'), 501, 'MethodNotImplemented'],
    [await call('GET', '/bluesky/elsewhere.example/xrpc/com.atproto.server.getSession'), 404, 'NotFound'],
  ] as const
  for (const [{ status, body }, expected, error] of refusals) assert.deepEqual([status, body.error], [expected, error])
})

test('a session that was deleted cannot be refreshed', async (t) => {
  const { account, xrpc } = await openSandbox(t)
  const { refresh_token } = await account()
  assert.equal((await xrpc('POST', 'com.atproto.server.deleteSession', undefined, refresh_token!)).status, 200)
  const { status, body } = await xrpc('POST', 'com.atproto.server.refreshSession', undefined, refresh_token!)
  assert.deepEqual([status, body.error], [400, 'ExpiredToken'])
})

test('the 31st login of an account within five minutes is refused until the window ends', async (t) => {
  const { account, xrpc, clock } = await openSandbox(t)
  const { username: identifier, metadata } = await account()
  const other = await account()
  const login = () =>
    xrpc('POST', 'com.atproto.server.createSession', { identifier, password: metadata['bluesky_app_password'] })
  for (let count = 0; count < 30; count += 1) assert.equal((await login()).status, 200)
  const { status, body, headers } = await login()
  assert.deepEqual([status, body.error], [429, 'RateLimitExceeded'])
  assert.equal(headers.get('ratelimit-policy'), '30;w=300')
  assert.equal(headers.get('ratelimit-remaining'), '0')
  const resetInMs = Number(headers.get('ratelimit-reset')) * 1000 - clock.nowMs()
  assert.ok(resetInMs > 280_000 && resetInMs <= 301_000, String(resetInMs))
  assert.equal(headers.get('retry-after'), null)
  const others = await xrpc('POST', 'com.atproto.server.createSession', {
    identifier: other.username,
    password: other.metadata['bluesky_app_password'],
  })
  assert.equal(others.status, 200)
  clock.forward(300_000)
  assert.equal((await login()).status, 200)
})

test('the directory, handle verification and profile reads know every account and nobody else', async (t) => {
  const { account, call, put } = await openSandbox(t)
  const alice = await account('alice')
  await put(alice, newRkey(), post('one'))
  const get = (path: string) => call('GET', `/bluesky/${path}`)
  assert.equal((await get(`plc.directory/${alice.user_id}`)).body.alsoKnownAs[0], `at://${alice.username}`)
  assert.equal((await get('plc.directory/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa')).status, 404)
  assert.equal((await get(`${alice.username}/.well-known/atproto-did`)).body, alice.user_id)
  for (const host of ['bsky.social', 'public.api.bsky.app']) {
    const resolve = (handle: string) => get(`${host}/xrpc/com.atproto.identity.resolveHandle?handle=${handle}`)
    assert.equal((await resolve(alice.username)).body.did, alice.user_id)
    assert.equal((await resolve('nobody.bsky.social')).status, 400)
    assert.equal((await resolve('not a handle')).status, 400)
  }
  const profile = await get(`public.api.bsky.app/xrpc/app.bsky.actor.getProfile?actor=${alice.user_id}`)
  assert.equal(profile.body.handle, alice.username)
  assert.equal(profile.body.postsCount, 1)
})
