import type { JsonObject } from '../../src/model/platform.ts'

export const rkey = '3mabcdefghij2'
export const cid = 'bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq'
const strongRef = { uri: `at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.post/${rkey}`, cid }

export function blob(mimeType: string, size = 1000): JsonObject {
  const ref = { $link: 'bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity' }
  return { $type: 'blob', ref, mimeType, size }
}

export const image = (aspect = true): JsonObject => ({
  image: blob('image/png'),
  alt: 'what it shows',
  ...(aspect && { aspectRatio: { width: 3, height: 2 } }),
})
const images: JsonObject = { $type: 'app.bsky.embed.images', images: [image(), image(false)] }
export const galleryItem: JsonObject = { $type: 'app.bsky.embed.gallery#image', ...image() }
const quoted: JsonObject = { $type: 'app.bsky.embed.record', record: strongRef }
export const external: JsonObject = {
  $type: 'app.bsky.embed.external',
  external: {
    uri: 'https://example.com/a',
    title: '',
    description: 'of it',
    thumb: blob('image/jpeg'),
    associatedRefs: [strongRef],
  },
}
const video: JsonObject = {
  $type: 'app.bsky.embed.video',
  video: blob('video/mp4', 90_000_000),
  alt: 'moves',
  aspectRatio: { width: 16, height: 9 },
  captions: [{ lang: 'en', file: blob('text/vtt') }],
  presentation: 'default',
}
const facets: JsonObject[] = [
  {
    index: { byteStart: 0, byteEnd: 2 },
    features: [{ $type: 'app.bsky.richtext.facet#link', uri: 'https://a.example' }],
  },
  { index: { byteStart: 3, byteEnd: 5 }, features: [{ $type: 'app.bsky.richtext.facet#tag', tag: 'tag' }] },
  { index: { byteStart: 6, byteEnd: 8 }, features: [{ $type: 'app.bsky.richtext.facet#mention', did: 'did:plc:abc' }] },
]

/** What the adapter sends, and what it may send later. */
export const valid: Record<string, JsonObject> = {
  text: record('plain'),
  'no text': record(''),
  'all of 3000 bytes in 120 graphemes': record('👨‍👩‍👧‍👦'.repeat(120)),
  '300 graphemes': record('é'.repeat(300)),
  facets: record('ab cd ef ', { facets }),
  'languages, tags, labels': record('x', {
    langs: ['en', 'de-CH', 'zh-Hant'],
    tags: ['one', 'two'],
    labels: { $type: 'com.atproto.label.defs#selfLabels', values: [{ val: 'graphic-media' }] },
  }),
  reply: record('x', { reply: { root: strongRef, parent: strongRef } }),
  images: record('x', { embed: images }),
  gallery: record('x', { embed: { $type: 'app.bsky.embed.gallery', items: Array(10).fill(galleryItem) } }),
  link: record('x', { embed: external }),
  video: record('x', { embed: video }),
  quote: record('x', { embed: quoted }),
  'quote with images': record('x', {
    embed: { $type: 'app.bsky.embed.recordWithMedia', record: quoted, media: images },
  }),
  'quote with link': record('x', {
    embed: { $type: 'app.bsky.embed.recordWithMedia', record: { record: strongRef }, media: external },
  }),
  'an embed of tomorrow': record('x', { embed: { $type: 'com.example.embed', anything: [1] } }),
  entities: record('x', { entities: [{ index: { start: 0, end: 1 }, type: 'link', value: 'https://a.example' }] }),
}

export function record(text: string, more: JsonObject = {}): JsonObject {
  return { $type: 'app.bsky.feed.post', text, createdAt: '2026-11-24T10:00:00.000Z', ...more }
}
