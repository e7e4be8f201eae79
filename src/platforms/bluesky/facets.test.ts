import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RichText } from '@atproto/api'
import fc from 'fast-check'
import { findFeatures } from './facets.ts'

interface Seen {
  text: string
  is: string
}

function ours(text: string): Seen[] {
  const bytes = Buffer.from(text)
  return findFeatures(text).map(({ byteStart, byteEnd, feature }) => ({
    text: bytes.subarray(byteStart, byteEnd).toString(),
    is: feature.kind === 'link' ? feature.uri : feature.kind === 'mention' ? `@${feature.handle}` : `#${feature.tag}`,
  }))
}

function official(text: string): Seen[] {
  const rich = new RichText({ text })
  rich.detectFacetsWithoutResolution()
  const bytes = Buffer.from(text)
  return (rich.facets ?? []).map(({ index, features }) => {
    const [feature] = features as { uri?: string; did?: string; tag?: string }[]
    const { uri, did, tag } = feature!
    return {
      text: bytes.subarray(index.byteStart, index.byteEnd).toString(),
      is: uri ?? (did === undefined ? `#${tag}` : `@${did}`),
    }
  })
}

const links = [
  'https://example.com',
  'see https://example.com/a?b=c#d for more',
  'https://example.com.',
  'https://example.com, and http://example.org!',
  '(https://example.com)',
  'https://en.wikipedia.org/wiki/Bell_(instrument)',
  'https://example.com/?q=a,b;c',
  'a\nhttps://example.com\nb',
  'example.com',
  'go to example.com.',
  'go to example.com/path/to?x=1, now',
  '(example.com)',
  'example.com/(a)',
  'sub.example.co.uk and bsky.app',
  'not.a.domain.atall e.g. i.e. node.js foo.txt v1.2.3 1.5 3.14',
  'me@example.com',
  'README.md is a link to Moldova',
  'Done.So I went home',
  '👨‍👩‍👧 https://example.com 👨‍👩‍👧 example.org',
  'https://münchen.de/straße ü https://例え.jp/日本',
  'http://localhost:3000/x http://127.0.0.1',
  'https://a.b https://a.b:8080/c',
  'https:// and',
  'ftp://example.com mailto:me@example.com',
]
const mentions = [
  '@alice.bsky.social',
  'hi @alice.bsky.social, and @bob.test!',
  '(@alice.bsky.social)',
  'x@alice.bsky.social',
  '@alice',
  '@alice.notatld',
  '@alice.com.',
  '@alice.com-',
  '@full123.test 👋🏽 @chät.com',
  '@a.b.c.d.example.org/foo',
]
const tags = [
  '#a',
  '#one #two',
  'text #tag.',
  'text #tag!? #ünïcode #日本語 #한국어',
  '##double',
  '#1 #123 #1a #a1 #2024',
  '#-- #- #_a #a_ #a-b #a.b.c',
  'x#y not',
  '(#paren)',
  '#️⃣ keycap and #\u200bempty',
  '#emoji😀 #😀 #👨‍👩‍👧',
  '＃fullwidth',
  '#a#b',
  `#${'a'.repeat(64)} #${'a'.repeat(65)}`,
  `#${'é'.repeat(64)} #${'é'.repeat(65)}`,
  '#it’s #"quoted"',
  '#tag\u00adsoft #zero\u200bwidth',
  '$AAPL $aapl, ($tsla) $TOOLONG $5 $1a a$b $A.',
  'tab\t#tag\r\n#next',
]

for (const text of [...links, ...mentions, ...tags]) {
  test(`the official client finds the same in ${JSON.stringify(text)}`, () => {
    const sorted = (seen: Seen[]) => seen.map(({ text, is }) => `${text} ${is}`).sort()
    assert.deepEqual(sorted(ours(text)), sorted(official(text)))
  })
}

/** Where we differ on purpose, each the better reading. */
const better: [string, Seen[]][] = [
  ['http://)', []],
  ['my-site.com', [{ text: 'my-site.com', is: 'https://my-site.com' }]],
  ['john.me@example.com', []],
  ['example.com’s page', [{ text: 'example.com', is: 'https://example.com' }]],
  ['wait: example.com...', [{ text: 'example.com', is: 'https://example.com' }]],
  ['“https://example.com/a”', [{ text: 'https://example.com/a', is: 'https://example.com/a' }]],
  ['見てhttps://example.com/a。はい', [{ text: 'https://example.com/a', is: 'https://example.com/a' }]],
  ['https://example.com/a…', [{ text: 'https://example.com/a', is: 'https://example.com/a' }]],
  ['HTTPS://EXAMPLE.COM', [{ text: 'HTTPS://EXAMPLE.COM', is: 'HTTPS://EXAMPLE.COM' }]],
  ['@Alice.Bsky.Social', [{ text: '@Alice.Bsky.Social', is: '@alice.bsky.social' }]],
  ['(see https://example.com/a_(b)).', [{ text: 'https://example.com/a_(b)', is: 'https://example.com/a_(b)' }]],
  ['(https://example.org/Bell_(a))', [{ text: 'https://example.org/Bell_(a)', is: 'https://example.org/Bell_(a)' }]],
]
for (const [text, expected] of better) {
  test(`${JSON.stringify(text)} is read better than by the official client`, () => {
    assert.deepEqual(ours(text), expected)
    assert.notDeepEqual(official(text), expected)
  })
}

test('whatever the text, features lie in it in order, apart, and between characters', () => {
  const piece = fc.constantFrom(
    ' ',
    '\n',
    '(',
    ')',
    '.',
    '#',
    '@',
    '$',
    'https://',
    'example.com',
    'a',
    '1',
    'é',
    '日',
    '👨‍👩‍👧',
    '…',
  )
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.array(piece, { maxLength: 30 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (text) => {
      const bytes = Buffer.from(text)
      let reached = 0
      for (const { byteStart, byteEnd } of findFeatures(text)) {
        assert.ok(reached <= byteStart && byteStart < byteEnd && byteEnd <= bytes.length)
        assert.equal(text.includes(bytes.subarray(byteStart, byteEnd).toString()), true)
        reached = byteEnd
      }
    }),
    { numRuns: 2000 },
  )
})

test('text made to slow the search down is read without blowing up', () => {
  for (const hard of [
    'a.'.repeat(20_000),
    'a-'.repeat(20_000),
    '('.repeat(20_000),
    `https://${')'.repeat(20_000)}`,
    '#'.repeat(20_000),
    `#${'1'.repeat(20_000)}`,
  ]) {
    const startMs = performance.now()
    findFeatures(hard)
    assert.ok(performance.now() - startMs < 10_000, `${hard.slice(0, 12)}… took ${performance.now() - startMs} ms`)
  }
})
