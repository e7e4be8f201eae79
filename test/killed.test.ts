import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Ready, removeData, startProcess, stopProcess } from '../examples/start/belfry.ts'
import { crashPoints } from '../src/delivery/crash-points.ts'
import { allPublished, connectAccounts, postJson, until } from './fixtures/sandbox-client.ts'
import { tinyPng } from './fixtures/tiny-png.ts'

/** A post must be out this soon after its server came back, in milliseconds. */
const recoveryMs = 15_000

let sandboxUrl = ''
let sandbox: ChildProcess
let images: Server
let imageUrl = ''
const dataDir = mkdtempSync(join(tmpdir(), 'belfry-killed-'))
let accounts: string[] = []
let running: { ready: Ready; child: ChildProcess }

async function startServer(env: Record<string, string> = {}): Promise<void> {
  const started = await startProcess(['dev', '--json', '--port', '0'], {
    BELFRY_DATA_DIR: dataDir,
    BELFRY_SANDBOX_URL: sandboxUrl,
    LOG_LEVEL: 'error',
    ...env,
  })
  running = { ready: started.ready as unknown as Ready, child: started.child }
}

function kill(): Promise<void> {
  const { child } = running
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  return gone
}

before(async () => {
  const started = await startProcess(['sandbox', '--json', '--port', '0'], {})
  sandbox = started.child
  sandboxUrl = String(started.ready['url'])
  images = createServer((_request, response) => response.setHeader('content-type', 'image/png').end(tinyPng))
  await new Promise<void>((resolve) => images.listen(0, '127.0.0.1', resolve))
  imageUrl = `http://127.0.0.1:${(images.address() as AddressInfo).port}/a.png`
  await startServer()
  accounts = await connectAccounts(running.ready, sandboxUrl, 5)
})

after(async () => {
  await stopProcess(running.child)
  await stopProcess(sandbox)
  images.close()
  removeData(dataDir)
})

async function post(caption: string, extra: object = {}): Promise<string> {
  const { url, api_key } = running.ready
  const body = { caption, social_accounts: accounts, ...extra }
  return (await postJson<{ id: string }>(`${url}/v1/social-posts`, body, api_key)).id
}

async function openPosts(): Promise<number> {
  const { url, api_key } = running.ready
  const answer = await fetch(`${url}/v1/social-posts?status=scheduled,processing&limit=1`, {
    headers: { authorization: `Bearer ${api_key}` },
  })
  return ((await answer.json()) as { meta: { total: number } }).meta.total
}

/** Every caption is on every account exactly once. */
async function assertOnceEach(captions: string[]): Promise<void> {
  const held = await allPublished(sandboxUrl)
  for (const caption of captions) {
    const users = held.filter((one) => one.caption === caption).map((one) => one.user_id)
    assert.equal(users.length, accounts.length, `"${caption}" was published ${users.length} times`)
    assert.equal(new Set(users).size, accounts.length, `"${caption}" was published twice to one account`)
  }
}

for (const point of crashPoints) {
  test(`killed ${point}: nothing lost, nothing doubled, done within 15 s`, async () => {
    await kill()
    await startServer({ BELFRY_TEST_CRASH_AT: point })
    const died = new Promise((resolve) => running.child.once('exit', (_code, signal) => resolve(signal)))
    // The platform answers slowly, so that `during-request` falls between the request and its reply.
    if (point === 'during-request') {
      await postJson(`${sandboxUrl}/sandbox/faults`, { kind: 'slow', after_ms: 300, times: accounts.length })
    }
    const captions = [`${point} text`, `${point} image`]
    await post(captions[0]!, { scheduled_at: new Date(Date.now() + 150).toISOString() })
    await post(captions[1]!, { media: [{ url: imageUrl }], scheduled_at: new Date(Date.now() + 150).toISOString() })
    assert.equal(await died, 'SIGKILL')
    await startServer()
    const tookMs = await until('every post to be processed', recoveryMs, async () => (await openPosts()) === 0)
    await fetch(`${sandboxUrl}/sandbox/faults`, { method: 'DELETE' })
    await assertOnceEach(captions)
    process.stdout.write(`# ${point}: recovered in ${tookMs} ms\n`)
  })
}

test('stopped politely 5 times while posts go out: each stop ends by itself, nothing lost, nothing doubled', async () => {
  const captions: string[] = []
  for (let round = 0; round < 5; round += 1) {
    const caption = `polite ${round}.`
    captions.push(caption)
    await post(caption, { scheduled_at: new Date(Date.now() + 60).toISOString() })
    await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 60))
    const begunAt = Date.now()
    await stopProcess(running.child)
    assert.equal(running.child.exitCode, 0)
    assert.ok(Date.now() - begunAt < 10_000, 'a stop took over 10 s')
    await startServer()
  }
  await until('every post to be processed', recoveryMs, async () => (await openPosts()) === 0)
  await assertOnceEach(captions)
})

test('killed at 50 random moments while posts go out: nothing lost, nothing doubled, nothing stuck', async () => {
  const captions: string[] = []
  let slowest = 0
  for (let round = 0; round < 50; round += 1) {
    const caption = `random ${round}.`
    captions.push(caption)
    await post(caption, { scheduled_at: new Date(Date.now() + 60).toISOString() })
    await new Promise((resolve) => setTimeout(resolve, 40 + Math.random() * 90))
    await kill()
    const diedAt = Date.now()
    await startServer()
    if (round % 10 === 9) {
      await until('every post to be processed', recoveryMs, async () => (await openPosts()) === 0)
      slowest = Math.max(slowest, Date.now() - diedAt)
    }
  }
  await until('every post to be processed', recoveryMs, async () => (await openPosts()) === 0)
  await assertOnceEach(captions)
  process.stdout.write(
    `# 50 kills, ${captions.length * accounts.length} deliveries, slowest recovery ${slowest} ms with the start\n`,
  )
})
