import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { PublishingAccount } from '../../../src/model/delivery.ts'
import type { JsonObject } from '../../../src/model/platform.ts'
import type { MediaItem, ResolvedContent } from '../../../src/model/post.ts'
import { attempt, memoryStore, type Store, signIn } from '../attempt.ts'
import { type Facet, type RealPds, type StoredRecord, startPds } from '../fixture.ts'
import { jpeg, png, turnedJpeg } from '../images.ts'
import { startWeb, type Web } from '../web.ts'

let pds: RealPds
let web: Web
let alice: PublishingAccount

before(async () => {
  pds = await startPds()
  web = await startWeb()
  alice = await signIn(pds, 'alice.test')
})
after(async () => {
  await web?.stop()
  await pds?.stop()
})

test('text is stored as it was written, under the address that Belfry reports', async () => {
  const { id, url, record } = await published(text('Good morning, world 🌍'))
  assert.equal(record.value.text, 'Good morning, world 🌍')
  assert.equal(id, record.uri)
  assert.equal(url, `https://bsky.app/profile/${alice.userId}/post/${record.uri.split('/').at(-1)}`)
})

test('links, mentions and hashtags cover exactly their bytes', async () => {
  const caption = '👩‍👩‍👧 Grüße @bob.test, lies https://example.com/wörter?a=1 und example.org #Größe 👋🏽 @nobody.test'
  const { record } = await published(text(caption))
  const bytes = Buffer.from(record.value.text)
  const covered = (facet: Facet) => bytes.subarray(facet.index.byteStart, facet.index.byteEnd).toString()
  const facets = (record.value.facets ?? []).map((facet) => [covered(facet), facet.features[0]] as const)
  assert.deepEqual(new Map(facets).get('@bob.test'), {
    $type: 'app.bsky.richtext.facet#mention',
    did: pds.account('bob.test').did,
  })
  assert.deepEqual(new Map(facets).get('#Größe'), { $type: 'app.bsky.richtext.facet#tag', tag: 'Größe' })
  const links = facets.filter(([, feature]) => feature?.$type === 'app.bsky.richtext.facet#link')
  assert.deepEqual(
    links.map(([covers]) => covers),
    ['https://example.com/wörter?a=1', 'example.org'],
  )
  assert.equal(facets.length, 4, 'a handle that nobody has stays plain')
})

test('300 family emoji are refused by the bytes they take, 119 are stored whole', async () => {
  const family = '👨‍👩‍👧‍👦'
  const { record } = await published(text(family.repeat(119)))
  assert.equal(record.value.text, family.repeat(119))
  const before = await pds.posts(alice.userId)
  const outcome = await publish(text(family.repeat(300)))
  assert.equal(outcome.kind, 'refused')
  assert.equal((await pds.posts(alice.userId)).length, before.length)
})

test('one PNG and four images are stored with their own types, sizes and order', async () => {
  const one = await published(text('One', [web.put('/one.png', { type: 'image/png', body: png(40, 30, 200) })]))
  assertImages(one.record, [['image/png', 40, 30]])
  const urls = [
    web.put('/1.png', { type: 'image/png', body: png(64, 64, 10) }),
    web.put('/2.jpg', { type: 'image/jpeg', body: jpeg(100, 75) }),
    web.put('/3.png', { type: 'image/png', body: png(30, 60, 90) }),
    web.put('/4.jpg', { type: 'image/jpeg', body: jpeg(16, 48) }),
  ]
  const four = await published(text('Four', urls))
  assertImages(four.record, [
    ['image/png', 64, 64],
    ['image/jpeg', 100, 75],
    ['image/png', 30, 60],
    ['image/jpeg', 16, 48],
  ])
  const image = four.record.value.embed?.images?.[1]?.image
  assert.ok((await pds.blob(alice.userId, image?.ref.$link ?? '')).length > 0, 'the blob can be read back')
})

test('a photo keeps its turn and loses what else its camera wrote', async () => {
  const photo = turnedJpeg(jpeg(100, 75), '52.5163 N 13.3777 E')
  assert.ok(photo.includes('52.5163'))
  const { record } = await published(text('Photo', [web.put('/photo.jpg', { type: 'image/jpeg', body: photo })]))
  assertImages(record, [['image/jpeg', 75, 100]])
  const blob = await pds.blob(alice.userId, record.value.embed?.images?.[0]?.image.ref.$link ?? '')
  assert.ok(!blob.includes('52.5163'))
})

test('images without text make a post', async () => {
  const { record } = await published(text('', [web.put('/alone.png', { type: 'image/png', body: png(8, 8, 0) })]))
  assert.equal(record.value.text, '')
  assertImages(record, [['image/png', 8, 8]])
})

test('a link brings its card, with the page’s own image', async () => {
  const thumb = web.put('/thumb.png', { type: 'image/png', body: png(120, 63, 128) })
  const html = `<!doctype html><html><head><title>Plain</title>
    <meta property="og:title" content="A title &amp; more"><meta property="og:description" content="What it is about">
    <meta property="og:image" content="${thumb}"></head><body></body></html>`
  const page = web.put('/page', { type: 'text/html; charset=utf-8', body: html })
  const { record } = await published(text(`Read this: ${page}`))
  const card = record.value.embed?.external
  assert.equal(record.value.embed?.$type, 'app.bsky.embed.external')
  assert.equal(card?.uri, page)
  assert.equal(card?.title, 'A title & more')
  assert.equal(card?.description, 'What it is about')
  assert.equal(card?.thumb?.mimeType, 'image/png')
})

test('a link whose page cannot be read is published all the same', async () => {
  const { record } = await published(text(`Read this: ${web.url}/missing`))
  assert.equal(record.value.text, `Read this: ${web.url}/missing`)
})

test('a quoted post is named by address and content, with images too', async () => {
  const bob = await signIn(pds, 'bob.test')
  const quoted = await published(text('Quote me'), { as: bob })
  const strong = { uri: quoted.record.uri, cid: quoted.record.cid }
  const byUri = await published(text('I quote', [], { quote: quoted.record.uri }))
  assert.equal(byUri.record.value.embed?.$type, 'app.bsky.embed.record')
  assert.deepEqual(byUri.record.value.embed.record, strong)
  const page = `https://bsky.app/profile/bob.test/post/${quoted.record.uri.split('/').at(-1)}`
  const picture = web.put('/q.png', { type: 'image/png', body: png(9, 9, 9) })
  const withImage = await published(text('I quote and show', [picture], { quote: page }))
  assert.equal(withImage.record.value.embed?.$type, 'app.bsky.embed.recordWithMedia')
  assert.deepEqual(withImage.record.value.embed.record, { $type: 'app.bsky.embed.record', record: strong })
  assert.equal(withImage.record.value.embed.media?.$type, 'app.bsky.embed.images')
})

test('alternative texts and languages are stored with the post', async () => {
  const urls = [1, 2].map((shade) => web.put(`/alt${shade}.png`, { type: 'image/png', body: png(5, 5, shade) }))
  const { record } = await published(text('Zwei', urls, { alt_texts: ['Das erste', ''], langs: ['de', 'en'] }))
  assert.deepEqual(
    record.value.embed?.images?.map(({ alt }) => alt),
    ['Das erste', ''],
  )
  assert.deepEqual(record.value.langs, ['de', 'en'])
})

test('the same delivery published again is the same record', async () => {
  const store = memoryStore()
  const first = await published(text('Only once'), { store })
  const again = await published(text('Only once'), { store })
  assert.equal(again.id, first.id)
  assert.equal(again.record.cid, first.record.cid)
  assert.equal((await pds.posts(alice.userId)).filter(({ value }) => value.text === 'Only once').length, 1)
})

function text(caption: string, urls: string[] = [], options: JsonObject = {}): ResolvedContent {
  return { caption, media: urls.map(mediaItem), options }
}

function mediaItem(url: string): MediaItem {
  return { url, thumbnail_url: null, thumbnail_timestamp_ms: null, tags: null, skip_processing: false }
}

interface Options {
  store?: Store
  as?: PublishingAccount
}

function publish(content: ResolvedContent, { store = memoryStore(), as = alice }: Options = {}) {
  return attempt({ pds: pds.url, deliveryId: 'spr_test', account: as, content, store })
}

async function published(content: ResolvedContent, { store = memoryStore(), as = alice }: Options = {}) {
  const outcome = await publish(content, { store, as })
  assert.equal(outcome.kind, 'published', JSON.stringify(outcome))
  if (outcome.kind !== 'published') throw new Error('not published')
  const record = (await pds.posts(as.userId)).find(({ uri }) => uri === outcome.id)
  assert.ok(record, `no record at ${outcome.id}`)
  return { id: outcome.id, url: outcome.url, record }
}

function assertImages(record: StoredRecord, expected: [mimeType: string, width: number, height: number][]) {
  assert.equal(record.value.embed?.$type, 'app.bsky.embed.images')
  const images = record.value.embed.images ?? []
  assert.deepEqual(
    images.map(({ image, aspectRatio }) => [image.mimeType, aspectRatio?.width, aspectRatio?.height]),
    expected,
  )
}
