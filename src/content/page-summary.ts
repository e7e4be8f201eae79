/** What a web page says of itself for a link card: Open Graph first, then the page's own title. Pure. */

export interface PageSummary {
  title: string
  /** Empty when the page gives none. */
  description: string
  /** Absolute http(s) address; null when the page gives none. */
  image: string | null
}

/** Longest title and description that are kept, in UTF-16 units; cards show far less. */
const titleLength = 300
const descriptionLength = 1000

/** Reads the head of a page, which may be cut off anywhere. Null when it has no title. */
export function readPage(body: Buffer, contentType: string, address: string): PageSummary | null {
  const html = decode(body, contentType)
  const { metas, ownTitle } = readHead(html)
  const title = firstOf(metas, ['og:title', 'twitter:title']) ?? tidy(ownTitle, titleLength)
  if (title === '') return null
  const image = firstOf(metas, ['og:image:secure_url', 'og:image', 'og:image:url', 'twitter:image'])
  return {
    title: tidy(title, titleLength),
    description: tidy(
      firstOf(metas, ['og:description', 'twitter:description', 'description']) ?? '',
      descriptionLength,
    ),
    image: image === null ? null : absolute(image, address),
  }
}

function decode(body: Buffer, contentType: string): string {
  const start = body.toString('latin1', 0, 2048)
  const label =
    /charset\s*=\s*["']?([\w-]+)/i.exec(contentType)?.[1] ?? /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(start)?.[1]
  try {
    return new TextDecoder(label ?? 'utf-8').decode(body)
  } catch {
    // A charset that nobody knows.
    return body.toString('utf8')
  }
}

/** A page may be made to slow its reader down: nothing here looks at a place more than a few times. */
const maxTags = 500
const maxTagLength = 4_000

interface Head {
  /** The first content of each `<meta property>` or `<meta name>`, by its name in lower case. */
  metas: Map<string, string>
  ownTitle: string
}

function readHead(html: string): Head {
  const metas = new Map<string, string>()
  let ownTitle = ''
  let tags = 0
  for (let at = html.indexOf('<'); at !== -1 && tags < maxTags; at = html.indexOf('<', at + 1)) {
    const name = /^<(meta|title)[\s>]/i.exec(html.slice(at, at + 7))?.[1]?.toLowerCase()
    if (!name) continue
    tags += 1
    const end = tagEnd(html, at)
    if (end === null) continue
    if (name === 'title') ownTitle ||= unescaped(textFrom(html, end + 1))
    else addMeta(metas, html.slice(at + 5, end))
  }
  return { metas, ownTitle }
}

/** Where a tag's `>` is, one in quotes left aside; null when it is too far. */
function tagEnd(html: string, from: number): number | null {
  let quote = ''
  for (let at = from; at < html.length && at < from + maxTagLength; at += 1) {
    const sign = html.charAt(at)
    if (quote !== '') quote = sign === quote ? '' : quote
    else if (sign === '>') return at
    else if (sign === '"' || sign === "'") quote = sign
  }
  return null
}

function textFrom(html: string, from: number): string {
  const text = html.slice(from, from + maxTagLength)
  const end = text.indexOf('<')
  return end === -1 ? text : text.slice(0, end)
}

const attribute = /([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g

function addMeta(metas: Map<string, string>, attributes: string): void {
  const found = new Map<string, string>()
  for (const [, name = '', double, single, bare] of attributes.matchAll(attribute)) {
    found.set(name.toLowerCase(), unescaped(double ?? single ?? bare ?? ''))
  }
  const name = (found.get('property') ?? found.get('name'))?.toLowerCase()
  const content = found.get('content')?.trim()
  if (name && content && !metas.has(name)) metas.set(name, content)
}

function firstOf(metas: Map<string, string>, names: string[]): string | null {
  return names.map((name) => metas.get(name)).find((value) => value !== undefined && value !== '') ?? null
}

function tidy(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').trim()
  // Not through a surrogate pair.
  return line.length <= length ? line : `${line.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

function absolute(address: string, base: string): string | null {
  const url = URL.parse(address, base)
  return url && /^https?:$/.test(url.protocol) ? url.href : null
}

const entities: Record<string, string> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  middot: '·',
  bull: '•',
  copy: '©',
  reg: '®',
  trade: '™',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
  agrave: 'à',
  ccedil: 'ç',
}

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,8}));/gi, (all, decimal, hex, name) => {
    if (name) return entities[name] ?? entities[String(name).toLowerCase()] ?? all
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16)
    const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
    return valid ? String.fromCodePoint(code) : all
  })
}
