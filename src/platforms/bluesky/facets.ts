/**
 * Links, mentions and tags in a text, as the official client finds them, with a few differences that README.md lists.
 * Pure: who a handle belongs to is asked elsewhere.
 */
import { countBytes, countGraphemes } from '../../content/count.ts'
import { topLevelDomains } from './tlds.ts'

export type Feature =
  | { kind: 'link'; uri: string }
  /** In lower case, not yet known to exist. */
  | { kind: 'mention'; handle: string }
  /** Without the sign; a cashtag keeps its dollar. */
  | { kind: 'tag'; tag: string }

/** One feature of a text. Offsets are in bytes of UTF-8, the end exclusive. */
export interface Found {
  byteStart: number
  byteEnd: number
  feature: Feature
}

interface Span {
  /** UTF-16 units. */
  start: number
  end: number
  feature: Feature
}

/** In the order of the text; nothing overlaps. */
export function findFeatures(text: string): Found[] {
  const spans = [...links(text), ...domains(text), ...mentions(text), ...hashtags(text), ...cashtags(text)]
  spans.sort((left, right) => left.start - right.start || right.end - left.end)
  const found: Found[] = []
  let reached = 0
  let bytes = 0
  for (const { start, end, feature } of spans) {
    if (start < reached) continue
    const byteStart = bytes + countBytes(text.slice(reached, start))
    bytes = byteStart + countBytes(text.slice(start, end))
    reached = end
    found.push({ byteStart, byteEnd: bytes, feature })
  }
  return found
}

// Quotation marks and angle brackets stand around an address more often than in it.
const address = /(?<![A-Za-z0-9_])https?:\/\/[^\s<>"“”「」『』【】、。…]+/giu

function links(text: string): Span[] {
  return Array.from(text.matchAll(address)).flatMap(({ 0: all, index }) => {
    const uri = withoutTail(all)
    const url = URL.parse(uri)
    return url && url.hostname !== '' ? [{ start: index, end: index + uri.length, feature: { kind: 'link', uri } }] : []
  })
}

const domain =
  /(?<=^|[\s(])([a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+)(:\d{1,5}(?=\/|$))?([/?#][^\s<>"“”「」『』【】、。…]*)?/gim

/** Addresses without a scheme, when their top-level domain exists. */
function domains(text: string): Span[] {
  return Array.from(text.matchAll(domain)).flatMap((match) => {
    const { index } = match
    const [all, name = '', , path] = match
    // What goes on is an e-mail address or a name.
    if (!path && /^[@_]/.test(text.slice(index + all.length))) return []
    if (!isDomain(name) || !topLevelDomains.has(name.slice(name.lastIndexOf('.') + 1))) return []
    const whole = withoutTail(all)
    const feature = { kind: 'link', uri: `https://${whole}` } as const
    return [{ start: index, end: index + whole.length, feature }]
  })
}

/** Punctuation at the end belongs to the sentence, and so does a bracket that the address did not open. */
function withoutTail(all: string): string {
  const surplus = { ')': count(all, ')') - count(all, '('), ']': count(all, ']') - count(all, '[') }
  let end = all.length
  for (; end > 0; end -= 1) {
    const last = all.charAt(end - 1)
    if (last === ')' || last === ']') {
      if (surplus[last] <= 0) break
      surplus[last] -= 1
    } else if (!".,;:!?'’»".includes(last)) {
      break
    }
  }
  return all.slice(0, end)
}

function count(text: string, sign: string): number {
  return text.split(sign).length - 1
}

function isDomain(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label))
}

const mention = /(?<=^|[\s(])@([a-z0-9.-]+)/gi

function mentions(text: string): Span[] {
  return Array.from(text.matchAll(mention)).flatMap(({ 1: written = '', index }) => {
    const handle = written.replace(/[.-]+$/, '').toLowerCase()
    const ending = handle.slice(handle.lastIndexOf('.') + 1)
    if (!handle.includes('.') || !isDomain(handle)) return []
    if (ending !== 'test' && !topLevelDomains.has(ending)) return []
    return [{ start: index, end: index + 1 + handle.length, feature: { kind: 'mention', handle } }]
  })
}

/** Longest tag, in graphemes (lexicon `app.bsky.richtext.facet#tag`, read 2026-11-24). */
const maxTagGraphemes = 64
// A tag ends at white space and at characters that nobody sees. U+FE0F after the sign makes it a keycap emoji.
const hashtag = /(?<=^|\s)[#＃](?!\ufe0f)((?:(?!\u20e2)[^\s\u00ad\u2060\u200a-\u200d])+)/gu

function hashtags(text: string): Span[] {
  return Array.from(text.matchAll(hashtag)).flatMap(({ 1: written = '', index }) => {
    const tag = written.replace(/\p{P}+$/u, '')
    // Digits and punctuation alone are a number or a smile.
    if (!/[^\d\p{P}]/u.test(tag) || countGraphemes(tag) > maxTagGraphemes) return []
    return [{ start: index, end: index + 1 + tag.length, feature: { kind: 'tag', tag } }]
  })
}

const cashtag = /(?<=^|[\s(])\$([a-z][a-z0-9]{0,4})(?=\s|$|[.,;:!?)"'’])/gi

function cashtags(text: string): Span[] {
  return Array.from(text.matchAll(cashtag)).map(({ 0: all, 1: ticker = '', index }) => ({
    start: index,
    end: index + all.length,
    feature: { kind: 'tag', tag: `$${ticker.toUpperCase()}` },
  }))
}
