import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import vectors from '../../test/vectors/text-counts.json' with { type: 'json' }
import { countBytes, countGraphemes, graphemeEdges } from './count.ts'

for (const { name, text, graphemes, bytes } of vectors) {
  test(`${name} has ${graphemes} graphemes and ${bytes} bytes`, () => {
    assert.equal(countGraphemes(text), graphemes)
    assert.equal(countBytes(text), bytes)
    assert.equal(graphemeEdges(text).length, graphemes + 1)
  })
}

test('the short way for plain text counts like the long one', () => {
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })
  const text = fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'grapheme' }), fc.string())
  fc.assert(
    fc.property(text, (text) => {
      const segments = [...segmenter.segment(text)]
      assert.equal(countGraphemes(text), segments.length)
      assert.deepEqual(graphemeEdges(text), [...segments.map(({ index }) => index), text.length])
    }),
  )
})
