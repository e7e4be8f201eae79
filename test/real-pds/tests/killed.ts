import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { PublishingAccount } from '../../../src/model/delivery.ts'
import type { Outcome } from '../../../src/platforms/platform.ts'
import { fileStore, signIn } from '../attempt.ts'
import { type RealPds, startPds } from '../fixture.ts'
import { png } from '../images.ts'
import type { PublishOnce } from '../publish-once.ts'
import { type Held, startRelay, startWeb, type Web } from '../web.ts'

let pds: RealPds
let web: Web
let alice: PublishingAccount
let folder: string
let picture: string

before(async () => {
  pds = await startPds()
  web = await startWeb()
  alice = await signIn(pds, 'alice.test')
  folder = await mkdtemp(join(tmpdir(), 'belfry-real-killed-'))
  picture = web.put('/a.png', { type: 'image/png', body: png(20, 20, 99) })
})
after(async () => {
  await web?.stop()
  await pds?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('a process killed right after its commit mark has sent nothing; the next one publishes once', async () => {
  const order = orderOf('killed after the mark')
  const first = start({ ...order, killAfterCommit: true })
  assert.equal(await first.ended, 'SIGKILL')
  assert.equal(await count(order), 0)
  assert.ok(fileStore(order.storePath).read().mark, 'the mark is on disk')
  await assertPublishedOnce(order)
})

test('a process killed while an image was uploaded has published nothing; the next one publishes once', async () => {
  const order = orderOf('killed in an upload')
  await killedInside(order, async (call) => void (await call.forward()), 'com.atproto.repo.uploadBlob')
  assert.equal(await count(order), 0)
  await assertPublishedOnce(order)
})

test('a process killed when its request was sent, before the PDS saw it: the next one publishes once', async () => {
  const order = orderOf('killed before the PDS')
  await killedInside(order, async () => {})
  assert.equal(await count(order), 0)
  await assertPublishedOnce(order)
})

test('a process killed when the PDS had stored the post, before the reply: the next one adds nothing', async () => {
  const order = orderOf('killed before the reply')
  await killedInside(order, async (call) => void assert.equal(await call.forward(), 200))
  assert.equal(await count(order), 1)
  await assertPublishedOnce(order)
})

test('a request of a killed process that arrives after the next one published adds nothing', async () => {
  const order = orderOf('arrives late')
  let late: Held | undefined
  await killedInside(order, async (call) => {
    late = call
  })
  await assertPublishedOnce(order)
  assert.equal(await late?.forward(), 200)
  assert.equal(await count(order), 1)
})

test('three processes in a row, each killed before the reply, leave one record', async () => {
  const order = orderOf('killed three times')
  for (let round = 0; round < 3; round += 1) {
    await killedInside(order, async (call) => void (await call.forward()))
    assert.equal(await count(order), 1)
  }
  await assertPublishedOnce(order)
})

function orderOf(caption: string): PublishOnce {
  const item = { url: picture, thumbnail_url: null, thumbnail_timestamp_ms: null, tags: null, skip_processing: false }
  return {
    pds: pds.url,
    deliveryId: `spr_${caption.replaceAll(' ', '')}`,
    account: alice,
    content: { caption, media: [item], options: {} },
    storePath: join(folder, `${caption}.json`),
    killAfterCommit: false,
  }
}

/** Runs the order behind a relay that kills the process inside a call (its write), once `during` is done with it. */
async function killedInside(
  order: PublishOnce,
  during: (call: Held) => Promise<void>,
  method = 'com.atproto.repo.putRecord',
): Promise<void> {
  let running: ChildProcess | undefined
  const relay = await startRelay(
    () => pds.url,
    async (call) => {
      if (call.method !== method) return false
      await during(call)
      running?.kill('SIGKILL')
      return true
    },
  )
  const { child, ended } = start({ ...order, relay: relay.url })
  running = child
  const how = await ended
  await relay.stop()
  assert.equal(how, 'SIGKILL')
}

async function assertPublishedOnce(order: PublishOnce): Promise<void> {
  const outcome = (await start(order).ended) as Outcome
  assert.equal(outcome.kind, 'published', JSON.stringify(outcome))
  assert.equal(await count(order), 1)
  const [record] = (await pds.posts(alice.userId)).filter(({ value }) => value.text === order.content.caption)
  assert.equal(outcome.kind === 'published' && outcome.id, record?.uri)
}

/** How many records the repository holds for this order. */
async function count(order: PublishOnce): Promise<number> {
  return (await pds.posts(alice.userId)).filter(({ value }) => value.text === order.content.caption).length
}

/** `ended` gives the outcome, or the signal that ended the process. */
function start(order: PublishOnce): { child: ChildProcess; ended: Promise<Outcome | NodeJS.Signals> } {
  const program = join(import.meta.dirname, '../publish-once.ts')
  const child = spawn(process.execPath, [program, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (part) => {
    output += part
  })
  const ended = once(child, 'close').then(([code, signal]) => {
    if (signal) return signal as NodeJS.Signals
    assert.equal(code, 0, output)
    return JSON.parse(output) as Outcome
  })
  return { child, ended }
}
