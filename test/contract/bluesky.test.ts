import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { jsonToLex, type LexiconDoc, Lexicons } from '@atproto/lexicon'
import type { Outcome } from '../../src/platforms/platform.ts'
import { attempt, type Bench, type Delivery, Died, deliveryOf, jobOf, mediaOf, openBench, toolsOf } from './delivery.ts'
import { exif, jpeg, png } from './images.ts'
import { startWeb } from './web.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(process.env['BELFRY_VENDOR_SPECS'] ?? join(root, '../shared/vendor-specs'), 'atproto-lexicons')
const files = existsSync(folder) ? globSync('**/*.json', { cwd: folder }) : []
const lexicons = new Lexicons(files.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as LexiconDoc))

/** Of all tests of this file. */
const judged = { requests: 0, records: 0 }

/** Holds every request that the adapter made against the vendor's own contract. */
function judge(bench: Bench): void {
  for (const { url, method, body } of bench.sent) {
    const { pathname, searchParams } = new URL(url)
    const nsid = pathname.replace('/xrpc/', '')
    if (!lexicons.getDef(nsid)) continue
    judged.requests += 1
    if (method === 'GET') {
      const query = Object.fromEntries(searchParams)
      const params = 'uris' in query ? { ...query, uris: searchParams.getAll('uris') } : query
      lexicons.assertValidXrpcParams(nsid, params)
    } else if (typeof body === 'string') {
      const input = JSON.parse(body) as { record?: Parameters<typeof jsonToLex>[0]; collection?: string }
      lexicons.assertValidXrpcInput(nsid, input)
      if (!input.record) continue
      judged.records += 1
      lexicons.assertValidRecord(input.collection!, jsonToLex(input.record))
    }
  }
}

async function setup(t: TestContext) {
  const bench = await openBench(t, 'bluesky')
  const web = await startWeb(t)
  t.after(() => judge(bench))
  return { bench, web, account: await bench.account() }
}

test.after(() => {
  if (files.length === 0) {
    process.stderr.write(
      `${judged.requests} requests not checked against the vendor's lexicons: set BELFRY_VENDOR_SPECS\n`,
    )
  } else {
    assert.ok(judged.requests > 100 && judged.records > 30, JSON.stringify(judged))
  }
})

function publishedOf(outcome: Outcome): Extract<Outcome, { kind: 'published' }> {
  assert.equal(outcome.kind, 'published', JSON.stringify(outcome))
  return outcome as Extract<Outcome, { kind: 'published' }>
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

test('a text arrives with its links, tags and mentions at the right bytes', async (t) => {
  const { bench, account } = await setup(t)
  const friend = await bench.account('friend')
  const caption = `👨‍👩‍👧 hallo @${friend.username} und @nobody.example.com: example.com/ü #schön`
  const outcome = publishedOf(await attempt(bench, deliveryOf(account, caption)))
  const [post, ...others] = await bench.published(account.userId)
  assert.equal(others.length, 0)
  assert.equal(post!.caption, caption)
  assert.equal(post!.id, outcome.id)
  assert.equal(post!.url, outcome.url)
  const bytes = Buffer.from(caption)
  const facets = post!.options['facets'] as { index: { byteStart: number; byteEnd: number }; features: object[] }[]
  assert.deepEqual(
    facets.map(({ index, features }) => [bytes.subarray(index.byteStart, index.byteEnd).toString(), ...features]),
    [
      [`@${friend.username}`, { $type: 'app.bsky.richtext.facet#mention', did: friend.userId }],
      ['example.com/ü', { $type: 'app.bsky.richtext.facet#link', uri: 'https://example.com/ü' }],
      ['#schön', { $type: 'app.bsky.richtext.facet#tag', tag: 'schön' }],
    ],
  )
})

for (const count of [1, 4, 5, 10]) {
  test(`${count} images arrive in their order, with their size and description`, async (t) => {
    const { bench, web, account } = await setup(t)
    const images = Array.from({ length: count }, (_, index) => png(10 + index, 20, index))
    const media = mediaOf(...images.map((bytes, index) => web.put(`/${index}.png`, 'application/octet-stream', bytes)))
    const options = { alt_texts: images.map((_, index) => `image ${index}`).slice(0, 3), langs: ['de', 'en'] }
    publishedOf(await attempt(bench, deliveryOf(account, ' ', { media, options })))
    const [post] = await bench.published(account.userId)
    assert.equal(post!.caption, '')
    assert.deepEqual(
      post!.media,
      images.map((bytes) => ({ type: 'image/png', bytes: bytes.length, sha256: sha256(bytes) })),
    )
    assert.equal(post!.options['embed'], count <= 4 ? 'app.bsky.embed.images' : 'app.bsky.embed.gallery')
    assert.deepEqual(
      post!.options['alt'],
      images.map((_, index) => (index < 3 ? `image ${index}` : '')),
    )
    assert.deepEqual(
      post!.options['aspect_ratios'],
      images.map((_, index) => ({ width: 10 + index, height: 20 })),
    )
    assert.deepEqual(post!.options['langs'], ['de', 'en'])
    const [write] = bench.sentTo('com.atproto.repo.putRecord')
    // A server that does not know galleries yet would refuse to validate one.
    assert.equal(JSON.parse(write!.body as string).validate, count <= 4 ? true : undefined)
  })
}

test('a photo that a phone turned keeps its turn and loses its place', async (t) => {
  const { bench, web, account } = await setup(t)
  const photo = jpeg(40, 30, exif(6))
  const media = mediaOf(web.put('/photo', 'image/jpeg', photo))
  publishedOf(await attempt(bench, deliveryOf(account, 'turned', { media })))
  const [post] = await bench.published(account.userId)
  assert.deepEqual(post!.options['aspect_ratios'], [{ width: 30, height: 40 }])
  const [upload] = bench.sentTo('com.atproto.repo.uploadBlob')
  const bytes = Buffer.from(upload!.body as Uint8Array)
  assert.equal(post!.media[0]!.sha256, sha256(bytes))
  assert.ok(!bytes.includes('SECRET PLACE'))
  media[0]!.skip_processing = true
  publishedOf(await attempt(bench, deliveryOf(account, 'as it is', { media })))
  const [, untouched] = await bench.published(account.userId)
  assert.equal(untouched!.media[0]!.sha256, sha256(photo))
})

test('a link brings its card, with the picture, also from the head of a page that never ends', async (t) => {
  const { bench, web, account } = await setup(t)
  const thumb = png(60, 30)
  web.put('/thumb.png', 'image/png', thumb)
  const page = `<html><head><meta property="og:title" content="A &amp; B"><meta content='of it' name=description>
    <meta property="og:image" content="/thumb.png"></head>${' '.repeat(2_000_000)}`
  const address = web.put('/page', 'text/html; charset=utf-8', page)
  publishedOf(await attempt(bench, deliveryOf(account, `read ${address} now`)))
  const [post] = await bench.published(account.userId)
  assert.deepEqual(post!.options['external'], {
    uri: address,
    title: 'A & B',
    description: 'of it',
    thumb: { type: 'image/png', bytes: thumb.length, sha256: sha256(thumb) },
  })
})

test('a page that fails costs the card and not the post', async (t) => {
  const { bench, web, account } = await setup(t)
  for (const address of [
    web.put('/500', 'text/html', '<title>x</title>', 500),
    web.put('/text', 'text/plain', '<title>x</title>'),
    web.put('/untitled', 'text/html', '<p>x'),
    'http://127.0.0.1:1/closed',
    'https://does-not-exist.invalid/',
  ]) {
    publishedOf(await attempt(bench, deliveryOf(account, address)))
    const post = (await bench.published(account.userId)).at(-1)!
    assert.equal(post.options['embed'], null)
    assert.equal((post.options['facets'] as unknown[]).length, 1)
  }
  await bench.fault('server_error', { on: 'upload' })
  web.put('/thumb.png', 'image/png', png(6, 3))
  const page = '<title>kept</title><meta property="og:image" content="/thumb.png">'
  publishedOf(await attempt(bench, deliveryOf(account, web.put('/page', 'text/html', page))))
  const post = (await bench.published(account.userId)).at(-1)!
  assert.equal((post.options['external'] as { title: string }).title, 'kept')
})

test('a post is quoted by its URI and by its address, alone and with images', async (t) => {
  const { bench, web, account } = await setup(t)
  const friend = await bench.account('friend')
  const quoted = publishedOf(await attempt(bench, deliveryOf(friend, 'quote me')))
  const rkey = quoted.id.split('/').at(-1)!
  const [original] = await bench.published(friend.userId)
  const ref = { uri: quoted.id, cid: original!.options['cid'] }
  for (const quote of [quoted.id, quoted.url, `https://bsky.app/profile/${friend.username}/post/${rkey}`]) {
    publishedOf(await attempt(bench, deliveryOf(account, ' ', { options: { quote } })))
    const post = (await bench.published(account.userId)).at(-1)!
    assert.equal(post.options['embed'], 'app.bsky.embed.record')
    assert.deepEqual(post.options['quote'], ref)
  }
  const media = mediaOf(web.put('/a.png', 'image/png', png(4, 4)))
  publishedOf(await attempt(bench, deliveryOf(account, 'both', { media, options: { quote: quoted.id } })))
  const both = (await bench.published(account.userId)).at(-1)!
  assert.equal(both.options['embed'], 'app.bsky.embed.recordWithMedia')
  assert.deepEqual(both.options['quote'], ref)
  assert.equal(both.media.length, 1)

  for (const quote of [
    `at://${friend.userId}/app.bsky.feed.post/3mabcdefghij2`,
    `https://bsky.app/profile/no.one.example.com/post/${rkey}`,
  ]) {
    const outcome = await attempt(bench, deliveryOf(account, 'lost', { options: { quote } }))
    assert.equal(outcome.kind, 'refused', JSON.stringify(outcome))
  }
})

test('the same write again is the same post', async (t) => {
  const { bench, account } = await setup(t)
  const delivery = deliveryOf(account, 'once')
  const first = publishedOf(await attempt(bench, delivery))
  bench.clock.forward(60_000)
  assert.deepEqual(await attempt(bench, delivery), first)
  assert.equal((await bench.published(account.userId)).length, 1)
  const [one, two] = bench.sentTo('com.atproto.repo.putRecord')
  assert.equal(one!.body, two!.body)
})

for (const kind of ['drop_after', 'drop_before', 'server_error'] as const) {
  test(`after ${kind} nobody knows, and the repeat settles it with one post`, async (t) => {
    const { bench, account } = await setup(t)
    await bench.fault(kind)
    const delivery = deliveryOf(account, 'exactly once')
    const lost = await attempt(bench, delivery)
    assert.equal(lost.kind, 'unsure', JSON.stringify(lost))
    const there = await bench.platform.find!(jobOf(delivery), toolsOf(bench, delivery))
    const held = await bench.published(account.userId)
    assert.equal(there === 'absent' ? 0 : 1, held.length)
    const found = publishedOf(await attempt(bench, delivery))
    assert.deepEqual(
      (await bench.published(account.userId)).map(({ id }) => id),
      [found.id],
    )
    assert.deepEqual(await bench.platform.find!(jobOf(delivery), toolsOf(bench, delivery)), found)
  })
}

test('a process that dies after the commit mark is followed by one post', async (t) => {
  const { bench, account } = await setup(t)
  const delivery = deliveryOf(account, 'survives')
  const died = attempt(bench, delivery, {
    committed() {
      throw new Died()
    },
  })
  await assert.rejects(died, Died)
  publishedOf(await attempt(bench, delivery))
  assert.equal((await bench.published(account.userId)).length, 1)
})

test('a restart does not upload again what is already there', async (t) => {
  const { bench, web, account } = await setup(t)
  const media = mediaOf(...[1, 2, 3].map((size) => web.put(`/${size}.png`, 'image/png', png(size, size))))
  const delivery = deliveryOf(account, 'three', { media })
  let uploads = 0
  const died = attempt(bench, delivery, {
    checkpointed() {
      uploads += 1
      if (uploads === 2) throw new Died()
    },
  })
  await assert.rejects(died, Died)
  publishedOf(await attempt(bench, delivery))
  assert.equal(bench.sentTo('com.atproto.repo.uploadBlob').length, 3)
  const [post] = await bench.published(account.userId)
  assert.deepEqual(
    post!.media.map(({ sha256 }) => sha256),
    [1, 2, 3].map((size) => sha256(png(size, size))),
  )
})

test('an expired token is renewed and the post goes out once', async (t) => {
  const { bench, web, account } = await setup(t)
  await bench.fault('expire_token')
  const delivery = deliveryOf(account, 'renewed')
  publishedOf(await attempt(bench, delivery))
  await bench.fault('expire_token', { on: 'upload' })
  const media = mediaOf(web.put('/a.png', 'image/png', png(2, 2)))
  publishedOf(await attempt(bench, deliveryOf(delivery.account, 'renewed while uploading', { media })))
  assert.equal((await bench.published(account.userId)).length, 2)
  assert.equal(bench.sentTo('com.atproto.server.createSession').length, 0)
})

test('a revoked login asks for a person, and says what the platform said', async (t) => {
  const { bench, account } = await setup(t)
  await bench.fault('revoke_token')
  const outcome = await attempt(bench, deliveryOf(account, 'too late'))
  assert.equal(outcome.kind, 'reconnect')
  assert.match((outcome as { message: string }).message, /Bluesky answered 401/)
  assert.equal((await bench.published(account.userId)).length, 0)
})

test('images that the platform has lost are uploaded again', async (t) => {
  const { bench, web, account } = await setup(t)
  const media = mediaOf(web.put('/a.png', 'image/png', png(2, 2)))
  const delivery = deliveryOf(account, 'lost and found', { media })
  await bench.fault('lose_media')
  const lost = await attempt(bench, delivery)
  assert.equal(lost.kind, 'retry', JSON.stringify(lost))
  publishedOf(await attempt(bench, delivery))
  assert.equal(bench.sentTo('com.atproto.repo.uploadBlob').length, 2)
  assert.equal((await bench.published(account.userId)).length, 1)
})

test('images lost between an unsure write and its repeat never make two posts', async (t) => {
  const { bench, web, account } = await setup(t)
  const media = mediaOf(web.put('/a.png', 'image/png', png(2, 2)))
  const delivery = deliveryOf(account, 'lost twice', { media })
  await bench.fault('drop_before')
  assert.equal((await attempt(bench, delivery)).kind, 'unsure')
  const { mark } = delivery
  await bench.fault('lose_media')
  assert.equal((await attempt(bench, delivery)).kind, 'retry')
  // A look keeps its mark: the first write may still be on its way.
  delivery.mark = mark
  const outcome = publishedOf(await attempt(bench, delivery))
  assert.ok(outcome.id.endsWith(mark!.key!))
  const keys = bench.sentTo('com.atproto.repo.putRecord').map(({ body }) => body)
  assert.equal(new Set(keys).size, 1, 'the same record all three times')
  assert.equal((await bench.published(account.userId)).length, 1)
})

test('an image that is gone at a repeat does not fail a post that is there', async (t) => {
  const { bench, web, account } = await setup(t)
  const media = mediaOf(web.put('/a.png', 'image/png', png(2, 2)))
  for (const fault of ['drop_after', 'drop_before'] as const) {
    const delivery = deliveryOf(account, fault, { media })
    await bench.fault(fault)
    assert.equal((await attempt(bench, delivery)).kind, 'unsure')
    const { rkey, createdAt } = delivery.checkpoint as { rkey: string; createdAt: string }
    delivery.checkpoint = { rkey, createdAt }
    delivery.content.media = mediaOf(`${web.url}/gone.png`)
    const outcome = await attempt(bench, delivery)
    assert.equal(outcome.kind, fault === 'drop_after' ? 'published' : 'refused', JSON.stringify(outcome))
  }
})

test('a rate limit is waited out exactly, and the post then carries the time it went out', async (t) => {
  const { bench, account } = await setup(t)
  await bench.fault('rate_limit', { retry_after_s: 90 })
  const delivery = deliveryOf(account, 'patience')
  const outcome = await attempt(bench, delivery)
  assert.equal(outcome.kind, 'retry')
  const { afterMs } = outcome as { afterMs: number }
  assert.ok(afterMs > 85_000 && afterMs <= 91_000, String(afterMs))
  bench.clock.forward(afterMs)
  publishedOf(await attempt(bench, delivery))
  const [post] = await bench.published(account.userId)
  const lateMs = Date.parse(post!.received_at) - Date.parse(post!.options['created_at'] as string)
  assert.ok(lateMs < 5_000, String(lateMs))
})

test('content that the platform refuses is refused in its own words', async (t) => {
  const { bench, account } = await setup(t)
  await bench.fault('reject_content')
  const outcome = await attempt(bench, deliveryOf(account, 'unwelcome'))
  assert.equal(outcome.kind, 'refused')
  assert.match((outcome as { message: string }).message, /400 InvalidRequest: .*record\.text/)
})

test('a key that holds another post is never taken for ours', async (t) => {
  const { bench, account } = await setup(t)
  const delivery = deliveryOf(account, 'mine')
  publishedOf(await attempt(bench, delivery))
  const record = { ...(delivery.checkpoint!['record'] as object), text: 'changed' }
  delivery.checkpoint = { ...delivery.checkpoint, record: record as never }
  publishedOf(await attempt(bench, delivery))
  const createdAt = '2020-01-01T00:00:00.000Z'
  delivery.checkpoint = { ...delivery.checkpoint, createdAt, record: { ...record, createdAt } as never }
  assert.equal((await attempt(bench, delivery)).kind, 'refused')
  assert.equal((await bench.published(account.userId))[0]!.caption, 'mine')
})

const broken: [string, Outcome['kind'], RegExp, (web: Awaited<ReturnType<typeof startWeb>>) => string][] = [
  ['is gone', 'refused', /answered 404/, (web) => `${web.url}/none.png`],
  ['fails now', 'retry', /answered 503/, (web) => web.put('/x', 'image/png', '', 503)],
  ['cannot be reached', 'retry', /could not be fetched/, () => 'http://127.0.0.1:1/x.png'],
  ['is a page', 'refused', /not an image/, (web) => web.put('/x', 'image/png', '<html>')],
  [
    'is a film',
    'refused',
    /is a video/,
    (web) => web.put('/x', 'image/png', Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0', 'latin1')),
  ],
  [
    'is too large',
    'refused',
    /2100\d+ bytes; Bluesky takes 2000000/,
    (web) => web.put('/x', 'image/png', Buffer.concat([png(2, 2), Buffer.alloc(2_100_000)])),
  ],
]
for (const [what, kind, says, put] of broken) {
  test(`an image that ${what} is never left out silently`, async (t) => {
    const { bench, web, account } = await setup(t)
    const media = mediaOf(web.put('/good.png', 'image/png', png(2, 2)), put(web))
    const outcome = await attempt(bench, deliveryOf(account, 'with images', { media }))
    assert.equal(outcome.kind, kind, JSON.stringify(outcome))
    assert.match('reason' in outcome ? outcome.reason : (outcome as { message: string }).message, says)
    assert.match(JSON.stringify(outcome), /media\[1\]/)
    assert.equal((await bench.published(account.userId)).length, 0)
  })
}

test('an image of exactly the largest size goes through', async (t) => {
  const { bench, web, account } = await setup(t)
  const small = png(2, 2)
  const largest = Buffer.concat([small, Buffer.alloc(2_000_000 - small.length)])
  const media = mediaOf(web.put('/x', 'image/png', largest))
  publishedOf(await attempt(bench, deliveryOf(account, 'big', { media })))
  assert.equal((await bench.published(account.userId))[0]!.media[0]!.bytes, 2_000_000)
})

test('the post goes to the server that holds the repository', async (t) => {
  const { bench, account } = await setup(t)
  const delivery: Delivery = deliveryOf({ ...account, facts: { pds: 'https://pds.belfry-sandbox.test' } }, 'at home')
  publishedOf(await attempt(bench, delivery))
  assert.ok(bench.sent.every(({ url }) => url.startsWith('https://pds.belfry-sandbox.test/')))
})

test('a mention or quote that cannot be looked up now waits, but a mention not for ever', async (t) => {
  const { bench, account } = await setup(t)
  const friend = await bench.account('friend')
  const quoted = publishedOf(await attempt(bench, deliveryOf(friend, 'quote me')))
  const quoting = deliveryOf(account, ' ', { options: { quote: quoted.id } })
  await bench.fault('server_error', { on: 'read', times: 2 })
  assert.equal((await attempt(bench, quoting)).kind, 'retry')
  publishedOf(await attempt(bench, quoting))

  const mentioning = deliveryOf(account, `hi @${friend.username}`)
  await bench.fault('server_error', { on: 'read', times: 4 })
  for (let tries = 0; tries < 3; tries += 1) {
    assert.equal((await attempt(bench, mentioning)).kind, 'retry')
  }
  publishedOf(await attempt(bench, mentioning))
  assert.equal((await bench.published(account.userId)).at(-1)!.options['facets'], undefined)
})

test('a token that expires while the card’s picture goes up costs neither', async (t) => {
  const { bench, web, account } = await setup(t)
  web.put('/thumb.png', 'image/png', png(6, 3))
  const page = web.put('/page', 'text/html', '<title>x</title><meta property="og:image" content="/thumb.png">')
  await bench.fault('expire_token', { on: 'upload' })
  publishedOf(await attempt(bench, deliveryOf(account, page)))
  const [post] = await bench.published(account.userId)
  assert.ok((post!.options['external'] as { thumb?: object }).thumb)
})
