import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bluesky } from '../../src/platforms/bluesky/index.ts'
import type { ConnectTools, TokenLogin } from '../../src/platforms/platform.ts'
import type { ReadyAccount } from '../../src/sandbox/emulator.ts'
import { createOutbound, OutboundError } from '../../src/security/outbound.ts'
import { openBench } from './delivery.ts'

const appPasswordField = 'bluesky_app_password'

function loginOf(ready: ReadyAccount, more: Partial<TokenLogin> & { password?: string } = {}): TokenLogin {
  const { password = ready.metadata[appPasswordField]!, ...rest } = more
  const credentials = {
    accessToken: ready.access_token,
    refreshToken: ready.refresh_token,
    secrets: { [appPasswordField]: password },
  }
  return { userId: ready.user_id, username: ready.username, credentials, ...rest }
}

test('a login is verified, and its account learned, at the server that holds it', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const { ready } = await bench.account('alice')
  const connected = await bluesky.connectByToken!(loginOf(ready), bench.tools)
  assert.deepEqual(connected, {
    kind: 'connected',
    verified: true,
    username: ready.username,
    profilePhotoUrl: null,
    facts: { pds: 'https://pds.belfry-sandbox.test' },
  })
  assert.ok(bench.sent.every(({ url }) => url.startsWith('https://pds.belfry-sandbox.test/')))
})

test('a handle works as people paste it, and so do an e-mail address and none', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const { ready } = await bench.account('alice')
  const email = `${ready.username.replaceAll('.', '-')}@belfry-sandbox.test`
  for (const username of [
    `@${ready.username}`,
    `\u202a${ready.username}\u202c `,
    ` ${ready.username.toUpperCase()}`,
    email,
    '',
    null,
  ]) {
    const connected = await bluesky.connectByToken!(loginOf(ready, { username }), bench.tools)
    assert.deepEqual(
      [connected.kind, 'verified' in connected && connected.verified, 'username' in connected && connected.username],
      ['connected', true, ready.username],
    )
  }
})

test('a wrong app password is refused in plain words, wherever it was tried', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const { ready } = await bench.account('alice')
  for (const accessToken of [ready.access_token, 'not a token']) {
    const login = loginOf(ready, { password: 'aaaa-bbbb-cccc-dddd' })
    login.credentials.accessToken = accessToken
    const answer = await bluesky.connectByToken!(login, bench.tools)
    assert.equal(answer.kind, 'refused')
    assert.match((answer as { message: string }).message, /Invalid identifier or password/)
    assert.doesNotMatch((answer as { message: string }).message, /aaaa/)
  }
})

test('without a telling token the directory of DIDs says where to log in', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const { ready } = await bench.account('alice')
  const login = loginOf(ready)
  login.credentials.accessToken = 'none'
  // As an entryway answers that does not know the account.
  const { http } = bench.tools
  const tools: ConnectTools = {
    ...bench.tools,
    http: {
      async request(request) {
        if (!request.url.startsWith('https://bsky.social/')) return http.request(request)
        const body = Buffer.from('{"error":"AuthenticationRequired","message":"Invalid identifier or password"}')
        return { status: 401, headers: {}, body, url: request.url }
      },
    },
  }
  const connected = await bluesky.connectByToken!(login, tools)
  assert.equal(connected.kind, 'connected', JSON.stringify(connected))
})

test('a login of somebody else is refused and names both', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const [alice, bob] = [await bench.account('alice'), await bench.account('bob')]
  const answer = await bluesky.connectByToken!({ ...loginOf(bob.ready), userId: alice.userId }, bench.tools)
  assert.equal(answer.kind, 'refused')
  const { message } = answer as { message: string }
  assert.ok(message.includes(alice.userId) && message.includes(bob.userId), message)
})

test('a platform in trouble does not cost a login', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const { ready } = await bench.account('alice')
  const unverified = { kind: 'connected', verified: false, username: ready.username, profilePhotoUrl: null, facts: {} }
  for (const kind of ['server_error', 'rate_limit', 'drop_before'] as const) {
    await bench.fault(kind, { on: 'login' })
    assert.deepEqual(await bluesky.connectByToken!(loginOf(ready), bench.tools), unverified)
  }
  const away = createOutbound({ allowPrivateNetwork: false, trustedOrigins: [], log: bench.tools.log })
  const http = { request: () => away.request({ url: 'http://127.0.0.1/' }) }
  await assert.rejects(http.request(), OutboundError)
  assert.deepEqual(await bluesky.connectByToken!(loginOf(ready), { ...bench.tools, http }), unverified)
  await away.close()
})

test('without an app password nothing is asked', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const { ready } = await bench.account('alice')
  const login = loginOf(ready)
  login.credentials.secrets = {}
  const answer = await bluesky.connectByToken!(login, bench.tools)
  assert.deepEqual(answer.kind === 'connected' && answer.verified, false)
  assert.equal(bench.sent.length, 0)
})

test('a refresh changes both tokens, and its lost answer costs nothing', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const account = await bench.account('alice')
  await bench.fault('drop_after', { on: 'login' })
  const lost = await bluesky.refresh(account, bench.tools)
  assert.equal(lost.kind, 'retry')
  const again = await bluesky.refresh(account, bench.tools)
  assert.equal(again.kind, 'refreshed')
  if (again.kind !== 'refreshed') return
  assert.notEqual(again.credentials.accessToken, account.credentials.accessToken)
  assert.notEqual(again.credentials.refreshToken, account.credentials.refreshToken)
  assert.deepEqual(again.credentials.secrets, account.credentials.secrets)
  assert.ok(again.accessTokenExpiresAt.getTime() > bench.clock.nowMs() + 3_600_000)
  assert.equal(bluesky.expiresAt(again.credentials, new Date(0))?.getTime(), again.accessTokenExpiresAt.getTime())
  assert.deepEqual(again.facts, { pds: 'https://pds.belfry-sandbox.test' })
  assert.equal(bench.sentTo('com.atproto.server.createSession').length, 0)
})

test('a dead refresh token is replaced by the app password, a dead app password by a person', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const account = await bench.account('alice')
  const dead = { ...account, credentials: { ...account.credentials, refreshToken: account.credentials.accessToken } }
  assert.equal((await bluesky.refresh(dead, bench.tools)).kind, 'refreshed')
  assert.equal(bench.sentTo('com.atproto.server.createSession').length, 1)
  const none = { ...dead, credentials: { ...dead.credentials, secrets: {} } }
  assert.equal((await bluesky.refresh(none, bench.tools)).kind, 'reconnect')
  await bench.fault('revoke_token', { on: 'login' })
  assert.equal((await bluesky.refresh(account, bench.tools)).kind, 'reconnect')
})

test('an answer without a refresh token does not cost the one that is stored', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const account = await bench.account('alice')
  const { http } = bench.tools
  const tools: ConnectTools = {
    ...bench.tools,
    http: {
      async request(request) {
        const reply = await http.request(request)
        const body = { ...(JSON.parse(reply.body.toString()) as object), refreshJwt: '' }
        return { ...reply, body: Buffer.from(JSON.stringify(body)) }
      },
    },
  }
  const refreshed = await bluesky.refresh(account, tools)
  assert.equal(refreshed.kind === 'refreshed' && refreshed.credentials.refreshToken, account.credentials.refreshToken)
})

test('a rate limit on refreshing is a wait, not a dead login', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const account = await bench.account('alice')
  await bench.fault('rate_limit', { on: 'login', retry_after_s: 60 })
  const answer = await bluesky.refresh(account, bench.tools)
  assert.equal(answer.kind, 'retry')
  assert.ok((answer as { afterMs: number }).afterMs > 55_000)
})

test('a login never goes to a server without TLS', async (t) => {
  const bench = await openBench(t, 'bluesky')
  const account = await bench.account('alice')
  for (const pds of ['http://pds.example.com', 'ftp://pds.example.com', 'nonsense', 5]) {
    await bluesky.refresh({ ...account, facts: { pds } }, bench.tools)
  }
  assert.ok(bench.sent.length >= 4 && bench.sent.every(({ url }) => url.startsWith('https://bsky.social/')))
})
