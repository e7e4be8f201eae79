import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { PublishingAccount } from '../../../src/model/delivery.ts'
import { bluesky } from '../../../src/platforms/bluesky/index.ts'
import { attempt, connect, find, loginOf, memoryStore, refresh, refreshed, type Store, signIn } from '../attempt.ts'
import { expiredToken, type RealPds, startPds } from '../fixture.ts'

let pds: RealPds

before(async () => {
  pds = await startPds(['alice.test', 'bob.test', 'carol.test'])
})
after(() => pds?.stop())

test('handle and app password connect an account and tell where its repository lies', async () => {
  const account = loginOf(pds.account('alice.test'))
  const connected = await connect(pds, { ...account, username: '\u202a@alice.test \u202c' })
  assert.deepEqual(connected, {
    kind: 'connected',
    verified: true,
    username: 'alice.test',
    profilePhotoUrl: null,
    facts: { pds: pds.url },
  })
})

test('a wrong app password, or that of somebody else, connects nothing', async () => {
  const account = loginOf(pds.account('alice.test'))
  const wrong = withSecret(account, 'aaaa-bbbb-cccc-dddd')
  assert.equal((await connect(pds, wrong)).kind, 'refused')
  const foreign = await connect(pds, { ...loginOf(pds.account('bob.test')), userId: account.userId })
  assert.equal(foreign.kind, 'refused')
})

test('an expired token publishes nothing; with a refreshed one the same delivery publishes once', async () => {
  const account = await signIn(pds, 'alice.test')
  const expired = withAccessToken(account, expiredToken(pds, account.userId))
  const store = memoryStore()
  assert.equal((await publish(expired, 'After the refresh', store)).kind, 'expired')
  assert.equal(await count(account, 'After the refresh'), 0)
  const fresh = await refreshed(pds, expired)
  assert.equal((await publish(fresh, 'After the refresh', store)).kind, 'published')
  assert.equal(await count(account, 'After the refresh'), 1)
})

test('a token that the PDS never signed counts as expired', async () => {
  const account = await signIn(pds, 'alice.test')
  const forged = expiredToken({ ...pds, jwtSecret: 'another secret' }, account.userId)
  assert.equal((await publish(withAccessToken(account, forged), 'Forged')).kind, 'expired')
})

test('the lifetimes of both tokens are read from them', async () => {
  const outcome = await refresh(pds, await signIn(pds, 'alice.test'))
  assert.equal(outcome.kind, 'refreshed')
  if (outcome.kind !== 'refreshed') return
  const hours = (at: Date | null) => Math.round(((at?.getTime() ?? 0) - Date.now()) / 3_600_000)
  assert.equal(hours(outcome.accessTokenExpiresAt), 2)
  assert.equal(hours(outcome.refreshTokenExpiresAt), 90 * 24)
  assert.deepEqual(bluesky.expiresAt(outcome.credentials, new Date(0)), outcome.accessTokenExpiresAt)
})

test('refresh tokens rotate, and repeating a lost refresh with the old one works', async () => {
  // Without the app password, so that only the refresh token can help.
  const account = withoutSecrets(await signIn(pds, 'alice.test'))
  const next = await refreshed(pds, account)
  assert.notEqual(next.credentials.refreshToken, account.credentials.refreshToken)
  const repeated = await refreshed(pds, account)
  assert.equal(idOf(repeated.credentials.refreshToken), idOf(next.credentials.refreshToken))
  assert.equal((await publish(await refreshed(pds, repeated), 'Rotated twice')).kind, 'published')
})

test('a refresh token that is gone falls back on the app password; a revoked app password asks for a person', async () => {
  const { did, handle, password } = pds.account('bob.test')
  const account = await signIn(pds, 'bob.test')
  const session = await pds.call('com.atproto.server.createSession', { identifier: handle, password }, null)
  await pds.call('com.atproto.server.deleteSession', null, account.credentials.refreshToken ?? '')
  const back = await refreshed(pds, account)
  assert.equal((await publish(back, 'Logged in again')).kind, 'published')
  await pds.call('com.atproto.server.revokeAppPassword', { name: 'belfry' }, String(session['accessJwt']))
  assert.equal((await refresh(pds, back)).kind, 'reconnect')
  assert.equal(await count({ ...account, userId: did }, 'Logged in again'), 1)
})

test('a post edited elsewhere after it went out is not written again', async () => {
  const account = await signIn(pds, 'alice.test')
  const store = memoryStore()
  const first = await publish(account, 'As Belfry wrote it', store)
  assert.equal(first.kind, 'published')
  const [record] = (await pds.posts(account.userId)).filter(({ uri }) => first.kind === 'published' && uri === first.id)
  const edited = { ...record?.value, text: 'As its author edited it' }
  const place = { repo: account.userId, collection: 'app.bsky.feed.post', rkey: record?.uri.split('/').at(-1) }
  await pds.call('com.atproto.repo.putRecord', { ...place, record: edited }, account.credentials.accessToken)
  assert.deepEqual(await publish(account, 'As Belfry wrote it', store), first)
  assert.equal(await count(account, 'As Belfry wrote it'), 0)
  assert.equal(await count(account, 'As its author edited it'), 1)
})

test('a foreign post at the chosen key is left alone', async () => {
  const account = await signIn(pds, 'alice.test')
  const taken = { $type: 'app.bsky.feed.post', text: 'Was here first', createdAt: '2026-01-02T03:04:05.678Z' }
  const { uri } = await pds.call(
    'com.atproto.repo.createRecord',
    { repo: account.userId, collection: 'app.bsky.feed.post', record: taken },
    account.credentials.accessToken,
  )
  const rkey = String(uri).split('/').at(-1) ?? ''
  const store = memoryStore()
  store.write({ mark: null, checkpoint: { rkey } })
  assert.equal((await publish(account, 'Came second', store)).kind, 'refused')
  assert.equal(await count(account, 'Came second'), 0)
  assert.equal(await count(account, 'Was here first'), 1)
})

test('a committed delivery is found by its key, and proven absent when it never arrived', async () => {
  const account = await signIn(pds, 'alice.test')
  const store = memoryStore()
  const sent = await publish(account, 'To be found', store)
  assert.deepEqual(await find(attemptOf(account, 'To be found', store)), sent)
  const { mark, checkpoint } = store.read()
  store.write({ mark: mark && { ...mark, key: '3kaaaaaaaaaaa' }, checkpoint })
  assert.equal(await find(attemptOf(account, 'To be found', store)), 'absent')
})

test('the real limit on logins delays a refresh and says until when', async () => {
  const account = withRefreshToken(await signIn(pds, 'carol.test'), null)
  let outcome = await refresh(pds, account)
  for (let login = 0; login < 40 && outcome.kind === 'refreshed'; login += 1) outcome = await refresh(pds, account)
  assert.equal(outcome.kind, 'retry', JSON.stringify(outcome))
  const afterMs = (outcome.kind === 'retry' && outcome.afterMs) || 0
  assert.ok(afterMs > 0 && afterMs <= 300_000, `waits ${afterMs} ms`)
})

function publish(account: PublishingAccount, caption: string, store: Store = memoryStore()) {
  return attempt(attemptOf(account, caption, store))
}

function attemptOf(account: PublishingAccount, caption: string, store: Store) {
  return { pds: pds.url, deliveryId: 'spr_test', account, content: { caption, media: [], options: {} }, store }
}

async function count(account: PublishingAccount, text: string): Promise<number> {
  return (await pds.posts(account.userId)).filter(({ value }) => value.text === text).length
}

function withSecret(account: PublishingAccount, appPassword: string): PublishingAccount {
  return { ...account, credentials: { ...account.credentials, secrets: { bluesky_app_password: appPassword } } }
}

function withoutSecrets(account: PublishingAccount): PublishingAccount {
  return { ...account, credentials: { ...account.credentials, secrets: {} } }
}

function withAccessToken(account: PublishingAccount, accessToken: string): PublishingAccount {
  return { ...account, credentials: { ...account.credentials, accessToken } }
}

function withRefreshToken(account: PublishingAccount, refreshToken: string | null): PublishingAccount {
  return { ...account, credentials: { ...account.credentials, refreshToken } }
}

/** The id that the PDS gave a refresh token. */
function idOf(refreshToken: string | null): unknown {
  const claims = Buffer.from(refreshToken?.split('.')[1] ?? '', 'base64url').toString()
  return (JSON.parse(claims) as { jti: string }).jti
}
