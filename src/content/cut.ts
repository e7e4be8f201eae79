/** Shortens text to a limit, at a word, never inside a grapheme, link, mention or hashtag. */
import { countBytes, countGraphemes, graphemeEdges } from './count.ts'

export interface TextLimits {
  /** Null: no limit of this kind. */
  graphemes: number | null
  /** Of UTF-8. */
  bytes: number | null
}

const ellipsis = '…'
const farLength = 4_000
// Anything that a platform may turn into a link, mention or hashtag: cut through, it would point elsewhere.
const wholes =
  /https?:\/\/\S+|(?<![\p{L}\p{N}.-])[\p{L}\p{N}][\p{L}\p{N}-]*(?:\.[\p{L}\p{N}-]+)+(?:[/:?#]\S*)?|[@#＃$]\S+/giu

/** True when the text is within both limits. */
export function fits(text: string, limits: TextLimits): boolean {
  const { graphemes, bytes } = limits
  if (bytes !== null && countBytes(text) > bytes) return false
  return graphemes === null || text.length <= graphemes || countGraphemes(text) <= graphemes
}

/**
 * The text itself when it fits; else its longest beginning that ends at a word and fits together with an ellipsis.
 * A single word that is too long is cut between graphemes; a link, mention or hashtag is dropped instead.
 * Empty when not even an ellipsis fits.
 */
export function cutText(text: string, limits: TextLimits): string {
  if (fits(text, limits)) return text
  const allEdges = graphemeEdges(text)
  let end = longest(text, allEdges, limits)
  const edges = allEdges.slice(0, allEdges.indexOf(end) + 1)
  // What lies far behind the cut cannot matter, and the text may be a megabyte.
  const ranges = Array.from(text.slice(0, end + farLength).matchAll(wholes), (match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }))
  while (end > 0) {
    const inside = ranges.find((range) => range.start < end && end < range.end)
    const at = inside ? inside.start : wordEnd(text, end, ranges)
    const kept = text.slice(0, at).trimEnd()
    // Glued to a link or hashtag, the ellipsis would become part of it.
    const joint = ranges.some((range) => range.end === kept.length) ? ' ' : ''
    const short = `${kept}${kept === '' ? '' : joint}${ellipsis}`
    if (kept !== '' && fits(short, limits)) return short
    end = edges.findLast((edge) => edge < Math.min(at, end)) ?? 0
  }
  return fits(ellipsis, limits) ? ellipsis : ''
}

/** The last edge up to which the text, with an ellipsis, is within the limits. */
function longest(text: string, edges: number[], limits: TextLimits): number {
  const { graphemes, bytes } = limits
  const byCount = graphemes === null ? edges.length - 1 : Math.min(Math.max(graphemes - 1, 0), edges.length - 1)
  let last = edges[byCount]!
  if (bytes === null) return last
  const room = bytes - countBytes(ellipsis)
  let used = countBytes(text.slice(0, last))
  for (let index = byCount; index > 0 && used > room; index -= 1) {
    used -= countBytes(text.slice(edges[index - 1]!, edges[index]!))
    last = edges[index - 1]!
  }
  return last
}

/** Where the last word that ends at or before `end` ends; `end` itself when that would lose half of the text. */
function wordEnd(text: string, end: number, ranges: { start: number; end: number }[]): number {
  if (/\s/.test(text.charAt(end)) || ranges.some((range) => range.end === end)) return end
  const gap = text.slice(0, end).search(/\s\S*$/u)
  return gap > end / 2 ? gap : end
}
