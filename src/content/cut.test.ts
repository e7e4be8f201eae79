import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countBytes, countGraphemes, graphemeEdges } from './count.ts'
import { cutText, fits } from './cut.ts'

const family = '👨‍👩‍👧‍👦'

test('text that fits stays as it is, to the last character', () => {
  assert.equal(cutText('hello', { graphemes: 5, bytes: 5 }), 'hello')
  assert.equal(cutText('hello  ', { graphemes: 7, bytes: null }), 'hello  ')
  assert.equal(cutText(family.repeat(3), { graphemes: 3, bytes: 75 }), family.repeat(3))
})

const cases: [string, number | null, number | null, string][] = [
  ['the quick brown fox', 12, null, 'the quick…'],
  ['the quick brown fox', 16, null, 'the quick brown…'],
  ['the quick brown fox', 15, null, 'the quick…'],
  ['abcdefghijklmnop', 6, null, 'abcde…'],
  ['a abcdefghijklmnop', 8, null, 'a abcde…'],
  [family.repeat(4), 3, null, `${family.repeat(2)}…`],
  [family.repeat(4), null, 60, `${family.repeat(2)}…`],
  ['read https://example.com/a/long/path now', 20, null, 'read…'],
  ['https://example.com/a/long/path', 10, null, '…'],
  ['hello @alice.bsky.social', 15, null, 'hello…'],
  ['hello #hashtag', 12, null, 'hello…'],
  ['see #one two three', 11, null, 'see #one …'],
  ['see example.com two', 17, null, 'see example.com …'],
  ['今日は天気がいいですね', 5, null, '今日は天…'],
  ['one two', 0, null, ''],
  ['one two', 1, null, '…'],
  ['one two', null, 2, ''],
]
for (const [text, graphemes, bytes, expected] of cases) {
  test(`${JSON.stringify(text)} in ${graphemes ?? bytes} becomes ${JSON.stringify(expected)}`, () => {
    assert.equal(cutText(text, { graphemes, bytes }), expected)
  })
}

const piece = fc.constantFrom(
  ' ',
  '\n',
  'word',
  'a',
  'é',
  'e\u0301',
  family,
  '🇩🇪',
  'https://example.com/p?q=1',
  'example.org/x',
  '@alice.bsky.social',
  '#tag',
  '日本語',
  '.',
  '\r\n',
)
const text = fc.oneof(
  fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
)
const limit = fc.option(fc.integer({ min: 0, max: 80 }), { nil: null })

test('whatever the text and limits, what is left fits, is a beginning, and splits no character', () => {
  fc.assert(
    fc.property(text, limit, limit, (text, graphemes, bytes) => {
      const limits = { graphemes, bytes }
      const short = cutText(text, limits)
      assert.ok(fits(short, limits))
      if (graphemes !== null) assert.ok(countGraphemes(short) <= graphemes)
      if (bytes !== null) assert.ok(countBytes(short) <= bytes)
      if (short === text || short === '') return
      const kept = short.replace(/ ?…$/, '')
      assert.ok(text.startsWith(kept))
      assert.ok(graphemeEdges(text).includes(kept.length))
      assert.equal(cutText(short, limits), short, 'cutting again changes nothing')
    }),
    { numRuns: 3000 },
  )
})

test('whatever is cut, every link, mention and tag that is left was there whole', () => {
  const wholes = /https?:\/\/\S+|[@#]\S+/g
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 60 }), (text, graphemes) => {
      const short = cutText(text, { graphemes, bytes: null })
      const before: string[] = text.match(wholes) ?? []
      for (const left of short.match(wholes) ?? []) assert.ok(before.includes(left), `${left} of ${text}`)
    }),
    { numRuns: 3000 },
  )
})

test('text made to slow the search down is cut at once', () => {
  const limits = { graphemes: 300, bytes: 3000 }
  for (const hard of [
    'a'.repeat(1_000_000),
    'a-.'.repeat(300_000),
    '#a '.repeat(300_000),
    `${' '.repeat(1_000_000)}a`,
    '🇩'.repeat(200_000),
  ]) {
    const startMs = performance.now()
    cutText(hard, limits)
    assert.ok(performance.now() - startMs < 20_000, `${hard.slice(0, 6)}… took ${performance.now() - startMs} ms`)
  }
})
