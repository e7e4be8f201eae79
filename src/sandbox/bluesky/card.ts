import type { Json, JsonObject } from '../../model/platform.ts'
import type { Card } from '../emulator.ts'
import type { TimelinePost } from '../timeline.ts'

/** A post as the app would draw it. */
export function cardOf(post: TimelinePost, handle: string): Card {
  const { facets, alt, external, quote } = post.options
  const altTexts = Array.isArray(alt) ? alt : []
  return {
    author: handle.split('.')[0]!,
    handle,
    text: segments(post.caption, Array.isArray(facets) ? facets : []),
    media: post.media.map(({ sha256, type }, index) => ({ sha256, type, alt: String(altTexts[index] ?? '') })),
    ...(isObject(external) && { link: linkOf(external) }),
    ...(isObject(quote) && { quote: String(quote['uri'] ?? '') }),
  }
}

/** Facet ranges count bytes of UTF-8; overlapping ones are drawn once, the first wins. */
function segments(text: string, facets: Json[]): Card['text'] {
  const bytes = Buffer.from(text, 'utf8')
  const parts: Card['text'] = []
  let at = 0
  for (const { start, end, href } of facets.map(rangeOf).sort((one, other) => one.start - other.start)) {
    if (start < at || end <= start || end > bytes.length) continue
    if (start > at) parts.push({ text: bytes.toString('utf8', at, start) })
    parts.push({ text: bytes.toString('utf8', start, end), href })
    at = end
  }
  if (at < bytes.length) parts.push({ text: bytes.toString('utf8', at) })
  return parts
}

function rangeOf(facet: Json): { start: number; end: number; href: string } {
  const { index, features } = isObject(facet) ? facet : {}
  const feature = Array.isArray(features) && isObject(features[0]) ? features[0] : {}
  const { byteStart, byteEnd } = isObject(index) ? index : {}
  return { start: Number(byteStart ?? 0), end: Number(byteEnd ?? 0), href: hrefOf(feature) }
}

function hrefOf({ uri, did, tag }: JsonObject): string {
  if (typeof uri === 'string') return uri
  if (typeof did === 'string') return `https://bsky.app/profile/${encodeURIComponent(did)}`
  return `https://bsky.app/hashtag/${encodeURIComponent(String(tag ?? ''))}`
}

function linkOf(external: JsonObject): NonNullable<Card['link']> {
  const { uri, title, description, thumb } = external
  const imageSha256 = isObject(thumb) ? String(thumb['sha256']) : undefined
  return {
    href: String(uri),
    title: String(title),
    description: String(description),
    ...(imageSha256 && { imageSha256 }),
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
