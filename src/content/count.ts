const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
// Printable ASCII and line feed: each is one grapheme. A carriage return is not, because CR LF is one.
const plain = /^[\n\x20-\x7e]*$/

// One long text is asked about once for each of its accounts, and counting 1 MiB takes some 100 ms.
const longLength = 2_000
let lastLong = { text: '', count: 0 }

/** How many characters a person sees: extended grapheme clusters of Unicode. */
export function countGraphemes(text: string): number {
  if (plain.test(text)) return text.length
  if (text.length < longLength) return segmentsOf(text)
  if (text !== lastLong.text) lastLong = { text, count: segmentsOf(text) }
  return lastLong.count
}

function segmentsOf(text: string): number {
  let count = 0
  for (const _ of segmenter.segment(text)) count += 1
  return count
}

/** Bytes of the text in UTF-8. */
export function countBytes(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** Where each grapheme of the text begins, in UTF-16 units, and where the last one ends. */
export function graphemeEdges(text: string): number[] {
  if (plain.test(text)) return Array.from({ length: text.length + 1 }, (_, index) => index)
  const edges = Array.from(segmenter.segment(text), (segment) => segment.index)
  edges.push(text.length)
  return edges
}
