import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startProcess, stopProcess } from '../../../examples/start/belfry.ts'
import { crashPoints } from '../../../src/delivery/crash-points.ts'
import { postJson, until } from '../../fixtures/sandbox-client.ts'
import { expiredToken, type RealPds, type StoredRecord, startPds } from '../fixture.ts'
import { png } from '../images.ts'
import { type Held, type Relay, startRelay, startWeb, type Web } from '../web.ts'

/** A post must be out this soon after its server came back, in milliseconds. */
const recoveryMs = 15_000

// The whole of `belfry serve`, with a relay between it and the PDS: accounts live, as their DID documents say, there.
const dataDir = mkdtempSync(join(tmpdir(), 'belfry-real-server-'))
const settings = { BELFRY_DATA_DIR: dataDir, BELFRY_SECRET: randomBytes(32).toString('base64'), LOG_LEVEL: 'error' }
let pds: RealPds
let web: Web
let relay: Relay
let picture: string
let intercept = async (_call: Held) => false
let server: { url: string; child: ChildProcess }
let key: string
let alice: string

before(async () => {
  web = await startWeb()
  picture = web.put('/a.png', { type: 'image/png', body: png(20, 20, 99) })
  relay = await startRelay(
    () => pds.url,
    (call) => intercept(call),
  )
  pds = await startPds([], relay.url)
  await command(['projects', 'create', 'real'])
  key = String((await command(['keys', 'create', '--project', 'real']))['key'])
  await start()
  alice = await connectByApi('alice.test')
})
after(async () => {
  if (server) await stopProcess(server.child)
  await relay?.stop()
  await web?.stop()
  await pds?.stop()
  rmSync(dataDir, { recursive: true, force: true })
})

test('a post sent to the API is on the PDS, and its result names it', async () => {
  const id = await post('Through the API')
  await processed(id)
  const [record, ...more] = await onPds('Through the API')
  assert.deepEqual(more, [])
  const results = await get<{ data: { success: boolean; platform_data: { id?: string } }[] }>(
    `/v1/social-post-results?post_id=${id}`,
  )
  assert.deepEqual(
    results.data.map((result) => [result.success, result.platform_data.id]),
    [[true, record?.uri]],
  )
})

test('an account connected with an expired token publishes once, with tokens that Belfry fetched', async () => {
  const { did } = pds.account('bob.test')
  const bob = await connectByApi('bob.test', expiredToken(pds, did))
  await processed(await post('Expired at first', [bob]))
  assert.equal((await onPds('Expired at first', did)).length, 1)
})

for (const point of crashPoints) {
  test(`the server is killed ${point}; after a restart the repository holds exactly one record`, async () => {
    await kill()
    await start({ BELFRY_TEST_CRASH_AT: point })
    const died = once(server.child, 'exit')
    // A slow PDS, so that `during-request` falls between the request and its reply.
    if (point === 'during-request') {
      intercept = async () => {
        await pause(300)
        return false
      }
    }
    const id = await post(`killed ${point}`, [alice], new Date(Date.now() + 200))
    assert.deepEqual(await died, [null, 'SIGKILL'])
    intercept = async () => false
    await start()
    await processed(id)
    assert.equal((await onPds(`killed ${point}`)).length, 1)
  })
}

const moments: [name: string, method: string, forward: boolean][] = [
  ['while its image is on its way', 'com.atproto.repo.uploadBlob', false],
  ['when the PDS had its image', 'com.atproto.repo.uploadBlob', true],
  ['when its write was sent, before the PDS saw it', 'com.atproto.repo.putRecord', false],
  ['when the PDS had written, before its reply', 'com.atproto.repo.putRecord', true],
]
for (const [name, method, forward] of moments) {
  test(`the server is killed ${name}; after a restart the repository holds exactly one record`, async () => {
    const died = once(server.child, 'exit')
    intercept = async (call) => {
      if (call.method !== method) return false
      if (forward) assert.equal(await call.forward(), 200)
      server.child.kill('SIGKILL')
      return true
    }
    const id = await post(`killed ${name}`)
    assert.deepEqual(await died, [null, 'SIGKILL'])
    intercept = async () => false
    assert.equal((await onPds(`killed ${name}`)).length, forward && method.endsWith('putRecord') ? 1 : 0)
    await start()
    await processed(id)
    assert.equal((await onPds(`killed ${name}`)).length, 1)
  })
}

async function start(env: Record<string, string> = {}): Promise<void> {
  const { ready, child } = await startProcess(['serve', '--json', '--port', '0'], {
    ...settings,
    BELFRY_BLUESKY_BASE_URL: relay.url,
    BELFRY_ALLOW_PRIVATE_NETWORK: 'on',
    ...env,
  })
  server = { url: String(ready['url']), child }
}

async function kill(): Promise<void> {
  const { child } = server
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function command(words: string[]): Promise<Record<string, unknown>> {
  return (await startProcess([...words, '--json'], settings)).ready
}

async function connectByApi(handle: string, accessToken?: string): Promise<string> {
  const { did, appPassword } = pds.account(handle)
  const login = { identifier: handle, password: appPassword }
  const session = await pds.call('com.atproto.server.createSession', login, null)
  const { id } = await postJson<{ id: string }>(
    `${server.url}/v1/social-accounts`,
    {
      platform: 'bluesky',
      user_id: did,
      username: handle,
      access_token: accessToken ?? session['accessJwt'],
      access_token_expires_at: new Date(Date.now() + 7_200_000).toISOString(),
      refresh_token: session['refreshJwt'],
      metadata: { bluesky_app_password: appPassword },
    },
    key,
  )
  return id
}

async function post(caption: string, accounts = [alice], at?: Date): Promise<string> {
  const body = { caption, social_accounts: accounts, media: [{ url: picture }], ...(at && { scheduled_at: at }) }
  return (await postJson<{ id: string }>(`${server.url}/v1/social-posts`, body, key)).id
}

async function get<Answer>(path: string): Promise<Answer> {
  const reply = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${key}` } })
  assert.equal(reply.status, 200)
  return (await reply.json()) as Answer
}

function processed(id: string): Promise<number> {
  const isProcessed = async () => (await get<{ status: string }>(`/v1/social-posts/${id}`)).status === 'processed'
  return until('the post to be processed', recoveryMs, isProcessed)
}

async function onPds(caption: string, did = pds.account('alice.test').did): Promise<StoredRecord[]> {
  return (await pds.posts(did)).filter(({ value }) => value.text === caption)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
