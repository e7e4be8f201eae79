/** Text that is safe inside an HTML page: made by `html` alone. */
export interface Html {
  readonly html: string
}

export type Part = string | number | Html | readonly Part[] | null | false

/** A template whose parts are escaped unless they are Html themselves; lists are joined, null and false are left out. */
export function html(texts: TemplateStringsArray, ...parts: Part[]): Html {
  let page = texts[0]!
  for (const [index, part] of parts.entries()) page += render(part) + texts[index + 1]!
  return { html: page }
}

function render(part: Part): string {
  if (part === null || part === false) return ''
  if (typeof part === 'number') return String(part)
  if (typeof part === 'string') return escaped(part)
  if ('html' in part) return part.html
  return part.map(render).join('')
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character]!)
}

/** An address that a page may link to: http and https only, so never a script. */
export function webAddress(address: string): string | null {
  const url = URL.parse(address)
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.href : null
}
