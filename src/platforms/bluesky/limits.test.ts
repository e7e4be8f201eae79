import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MediaItem, ResolvedContent } from '../../model/post.ts'
import { check, cut } from './limits.ts'

const family = '👨‍👩‍👧‍👦'

function content(caption: string, more: Partial<ResolvedContent> = {}): ResolvedContent {
  return { caption, media: [], options: {}, ...more }
}

function media(...names: string[]): MediaItem[] {
  const unset = { thumbnail_url: null, thumbnail_timestamp_ms: null, tags: null, skip_processing: false }
  return names.map((name) => ({ url: `https://example.com/${name}`, ...unset }))
}

const images = (count: number) => media(...Array.from({ length: count }, (_, index) => `${index}.jpg`))

function messages(given: ResolvedContent): string[] {
  return check(given).map(({ message }) => message)
}

const fine: [string, ResolvedContent][] = [
  ['300 letters', content('a'.repeat(300))],
  ['120 families, which are exactly 3000 bytes', content(family.repeat(120))],
  ['a blank caption with an image', content(' ', { media: images(1) })],
  [
    'a blank caption with a quote',
    content(' ', { options: { quote: 'at://alice.example.com/app.bsky.feed.post/3abc' } }),
  ],
  ['10 images', content('x', { media: images(10) })],
  ['a file without an extension', content('x', { media: media('abcdef') })],
  ['3 languages', content('x', { options: { langs: ['en', 'pt-BR', 'zh-Hant'] } })],
  ['as many descriptions as images', content('x', { media: images(2), options: { alt_texts: ['a', 'b'] } })],
  ['fields of tomorrow', content('x', { options: { of_tomorrow: 1 } })],
]
for (const [name, given] of fine) {
  test(`Bluesky takes ${name}`, () => assert.deepEqual(messages(given), []))
}

const refused: [string, ResolvedContent, RegExp[]][] = [
  ['301 letters', content('a'.repeat(301)), [/301 characters; Bluesky takes 300/]],
  ['121 families', content(family.repeat(121)), [/3025 bytes; Bluesky takes 3000/]],
  ['301 families', content(family.repeat(301)), [/301 characters/, /7525 bytes/]],
  ['nothing', content(' '), [/empty/]],
  ['nothing but a null quote', content('\n', { options: {} }), [/empty/]],
  ['11 images', content('x', { media: images(11) }), [/11 media items; Bluesky takes 10/]],
  [
    'films',
    content('x', { media: media('a.MP4?x=1', 'b.jpg', 'c.mov') }),
    [/media\[0\] is a video/, /media\[2\] is a video/],
  ],
  ['a quote of something else', content('x', { options: { quote: 'https://example.com/1' } }), [/quote got/]],
  [
    'a quote of a profile',
    content('x', { options: { quote: 'https://bsky.app/profile/alice.example.com' } }),
    [/quote got/],
  ],
  [
    'a quote of a like',
    content('x', { options: { quote: 'at://did:plc:abc/app.bsky.feed.like/3abc' } }),
    [/quote got/],
  ],
  ['4 languages', content('x', { options: { langs: ['en', 'de', 'fr', 'it'] } }), [/4 languages; Bluesky takes 3/]],
  ['a language that is none', content('x', { options: { langs: ['English!'] } }), [/langs got "English!"/]],
  [
    'more descriptions than images',
    content('x', { media: images(1), options: { alt_texts: ['a', 'b'] } }),
    [/2 texts for 1/],
  ],
]
for (const [name, given, expected] of refused) {
  test(`Bluesky refuses ${name}, and says what it is and what it may be`, () => {
    const found = messages(given)
    assert.equal(found.length, expected.length, found.join(' '))
    for (const [index, message] of expected.entries()) assert.match(found[index]!, message)
  })
}

test('what was cut passes the check, and says so', () => {
  for (const caption of [
    'word '.repeat(100),
    family.repeat(200),
    'https://example.com/ '.repeat(40),
    'a'.repeat(5000),
  ]) {
    const short = cut(content(caption))
    assert.ok(short)
    assert.deepEqual(messages(content(short.caption)), [])
    assert.match(short.note, /was cut to \d+; Bluesky takes 300/)
  }
  assert.equal(cut(content('short')), null)
})
