import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { newRkey, openSandbox, pds, png, post } from '../../test/sandbox/setup.ts'

async function setup(t: TestContext) {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  return {
    ...sandbox,
    alice,
    arm: async (fault: object) => {
      const { status, body } = await sandbox.call('POST', '/sandbox/faults', fault)
      assert.equal(status, 201, JSON.stringify(body))
    },
    publish: (record: object = post('hello'), rkey = newRkey()) => sandbox.put(alice, rkey, record),
    count: async () => (await sandbox.call('GET', '/sandbox/published')).body.data.length as number,
    armed: async () => (await sandbox.call('GET', '/sandbox/faults')).body.data.length as number,
  }
}

test('rate_limit refuses once, says when it ends, and publishes nothing', async (t) => {
  const { arm, publish, count, clock, armed } = await setup(t)
  await arm({ platform: 'bluesky', kind: 'rate_limit', retry_after_s: 30 })
  const { status, body, headers } = await publish()
  assert.deepEqual([status, body.error], [429, 'RateLimitExceeded'])
  const inMs = Number(headers.get('ratelimit-reset')) * 1000 - clock.nowMs()
  assert.ok(inMs > 28_000 && inMs <= 31_000, String(inMs))
  assert.equal(await count(), 0)
  assert.equal(await armed(), 0)
  assert.equal((await publish()).status, 200)
})

test('server_error and reject_content refuse as often as asked', async (t) => {
  const { arm, publish, count } = await setup(t)
  await arm({ kind: 'server_error', times: 2 })
  for (let hit = 0; hit < 2; hit += 1) {
    const { status, body } = await publish()
    assert.deepEqual([status, body.error], [500, 'InternalServerError'])
  }
  await arm({ kind: 'reject_content' })
  const { status, body } = await publish()
  assert.deepEqual([status, body.error], [400, 'InvalidRequest'])
  assert.equal(await count(), 0)
  assert.equal((await publish()).status, 200)
})

test('slow publishes at once and answers after the time asked for', async (t) => {
  const { arm, publish, count } = await setup(t)
  await arm({ kind: 'slow', after_ms: 1_000 })
  const startMs = performance.now()
  let answered = false
  const answer = publish().finally(() => {
    answered = true
  })
  while ((await count()) === 0);
  assert.equal(answered, false, 'it was held before it was answered')
  assert.equal((await answer).status, 200)
  assert.ok(performance.now() - startMs >= 999)
})

test('a slow answer does not hold up the end of the sandbox', async (t) => {
  const { arm, publish, count, close } = await setup(t)
  await arm({ kind: 'slow', after_ms: 50_000 })
  const answer = publish().then(
    () => 'answered',
    () => 'cut',
  )
  while ((await count()) === 0);
  await close()
  assert.ok(['answered', 'cut'].includes(await answer))
})

test('drop_before closes the connection with nothing published', async (t) => {
  const { arm, publish, count } = await setup(t)
  await arm({ kind: 'drop_before' })
  await assert.rejects(publish(), /fetch failed/)
  assert.equal(await count(), 0)
})

test('drop_after publishes, then closes the connection; a repeat finds it', async (t) => {
  const { arm, publish, count, armed } = await setup(t)
  await arm({ kind: 'drop_after' })
  const invalid = await publish(post('x'.repeat(301)))
  assert.equal(invalid.status, 400)
  assert.equal(await armed(), 1, 'a request that fails anyway is not a hit')
  const rkey = newRkey()
  await assert.rejects(publish(post('once'), rkey), /fetch failed/)
  assert.equal(await count(), 1)
  const { status, body } = await publish(post('once'), rkey)
  assert.equal(status, 200)
  assert.equal('commit' in body, false)
  assert.equal(await count(), 1)
})

test('expire_token ends the access tokens of the account; refreshing works', async (t) => {
  const { arm, publish, alice, xrpc } = await setup(t)
  await arm({ kind: 'expire_token', user_id: alice.user_id })
  const { status, body } = await publish()
  assert.deepEqual([status, body.error], [400, 'ExpiredToken'])
  assert.equal((await publish()).status, 400, 'expired for good')
  const { body: next } = await xrpc('POST', 'com.atproto.server.refreshSession', undefined, alice.refresh_token!)
  assert.equal((await xrpc('GET', 'com.atproto.server.getSession', undefined, next.accessJwt)).status, 200)
})

test('revoke_token closes every door until the account is made anew under the same id', async (t) => {
  const { arm, publish, alice, xrpc, account } = await setup(t)
  await arm({ kind: 'revoke_token' })
  assert.equal((await publish()).body.error, 'ExpiredToken')
  const refreshed = await xrpc('POST', 'com.atproto.server.refreshSession', undefined, alice.refresh_token!)
  assert.deepEqual([refreshed.status, refreshed.body.error], [400, 'ExpiredToken'])
  const password = alice.metadata['bluesky_app_password']
  const login = await xrpc('POST', 'com.atproto.server.createSession', { identifier: alice.username, password })
  assert.deepEqual([login.status, login.body.error], [401, 'AuthenticationRequired'])
  const anew = await account(alice.username)
  assert.equal(anew.user_id, alice.user_id)
  assert.notEqual(anew.metadata['bluesky_app_password'], password)
  assert.equal((await xrpc('GET', 'com.atproto.server.getSession', undefined, anew.access_token)).status, 200)
  assert.equal((await xrpc('GET', 'com.atproto.server.getSession', undefined, alice.access_token)).status, 400)
})

test('lose_media forgets the files of the post that names them; a new upload works', async (t) => {
  const { arm, publish, call, alice, armed } = await setup(t)
  const headers = { authorization: `Bearer ${alice.access_token}`, 'content-type': 'image/png' }
  const upload = async () => (await call('POST', `${pds}/xrpc/com.atproto.repo.uploadBlob`, png(), headers)).body.blob
  const image = await upload()
  const record = post('x', { embed: { $type: 'app.bsky.embed.images', images: [{ image, alt: '' }] } })
  await arm({ kind: 'lose_media' })
  assert.equal((await publish()).status, 200)
  assert.equal(await armed(), 1, 'a post without media is not a hit')
  assert.equal((await publish(record)).body.error, 'BlobNotFound')
  await upload()
  assert.equal((await publish(record)).status, 200)
})

test('a fault keeps to its account, its platform and the requests it is for', async (t) => {
  const { arm, publish, account, put, xrpc, alice } = await setup(t)
  const bob = await account()
  await arm({ kind: 'server_error', user_id: bob.user_id })
  await arm({ kind: 'server_error', platform: 'mastodon' })
  await arm({ kind: 'server_error', on: 'login' })
  assert.equal((await publish()).status, 200)
  assert.equal((await put(bob, newRkey(), post('x'))).status, 500)
  assert.equal((await xrpc('GET', 'com.atproto.server.getSession', undefined, alice.access_token)).status, 200)
  assert.equal((await xrpc('POST', 'com.atproto.server.refreshSession', undefined, alice.refresh_token!)).status, 500)
})

test('disarming stops every fault, and the list shows what is left of each', async (t) => {
  const { arm, publish, call } = await setup(t)
  await arm({ kind: 'server_error', times: 3 })
  await publish()
  const [fault] = (await call('GET', '/sandbox/faults')).body.data
  assert.deepEqual([fault.kind, fault.times, fault.hits, fault.on], ['server_error', 2, 1, 'publish'])
  assert.deepEqual((await call('DELETE', '/sandbox/faults')).body, { disarmed: 1 })
  assert.equal((await publish()).status, 200)
})

test('a wrong fault is refused by field, with what it got and what it takes', async (t) => {
  const { call } = await setup(t)
  const messages = await Promise.all(
    [
      {},
      { kind: 'boom' },
      { kind: 'slow', times: 0 },
      { kind: 'slow', after_ms: 'soon' },
      { kind: 'slow', when: 1 },
      [],
      { kind: 'slow', platform: 'myspace' },
    ].map(async (fault) => {
      const { status, body } = await call('POST', '/sandbox/faults', fault)
      assert.equal(status, 400)
      return body.message as string
    }),
  )
  const expected = [
    /^kind: got nothing; takes one of rate_limit, /,
    /^kind: got "boom"; takes one of rate_limit, /,
    /^times: got 0; takes a whole number from 1 to /,
    /^after_ms: got "soon"; takes a whole number from 0 to /,
    /^when: no such field; takes platform, /,
    /^body: got \[\]; takes a JSON object/,
    /^platform: got "myspace"; takes one of facebook, /,
  ]
  for (const [index, message] of messages.entries()) assert.match(message, expected[index]!)
})
