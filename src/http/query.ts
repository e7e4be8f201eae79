import type { TSchema } from '@sinclair/typebox'

/** One parameter as it came: `k=a`, `k=a&k=b`, `k[]=a` or `k[0]=a`. */
export interface RawParameter {
  values: string[]
  bracketed: boolean
}

export type RawQuery = Map<string, RawParameter>

/** Every parameter of a query string, decoded. Never throws: a broken escape stays as it is written. */
export function parseQuery(text: string): RawQuery {
  const raw: RawQuery = new Map()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const key = decode(at < 0 ? pair : pair.slice(0, at))
    const value = at < 0 ? '' : decode(pair.slice(at + 1))
    const name = key.replace(/\[\d*\]$/, '')
    const parameter = raw.get(name) ?? { values: [], bracketed: false }
    parameter.values.push(value)
    parameter.bracketed ||= name !== key
    raw.set(name, parameter)
  }
  return raw
}

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}

/** The parameters that a schema names, in its types, and what is wrong with them. Others are left out. */
export function readQuery(
  raw: RawQuery,
  properties: Record<string, TSchema>,
): { value: Record<string, unknown>; problems: string[] } {
  const value: Record<string, unknown> = {}
  const problems: string[] = []
  for (const [name, schema] of Object.entries(properties)) {
    const parameter = given(raw.get(name))
    if (!parameter) continue
    if (parameter.values.some((text) => text.includes('\0'))) {
      problems.push(`${name} must not contain a NUL character`)
    } else if (schema['type'] === 'array') {
      const elements = readList(parameter, schema['freeText'] === true)
      if (elements.length > 0) value[name] = elements
    } else if (parameter.values.length > 1) {
      problems.push(`${name} must be given once, got ${parameter.values.length} values`)
    } else {
      const text = parameter.values[0]!
      value[name] = schema['type'] === 'integer' && /^-?\d{1,15}$/.test(text) ? Number(text) : text
    }
  }
  return { value, problems }
}

/** An empty value is no value: SDKs send `status=` for null. */
function given(parameter: RawParameter | undefined): RawParameter | null {
  const values = parameter?.values.filter((text) => text.trim() !== '') ?? []
  return values.length > 0 ? { values, bracketed: parameter!.bracketed } : null
}

/**
 * A parameter that came once without brackets is split on commas; otherwise values are literal. Free text also
 * matches unsplit, so that one value with a comma works.
 */
function readList(parameter: RawParameter, freeText: boolean): string[] {
  const [only, ...more] = parameter.values
  if (parameter.bracketed || more.length > 0) return [...new Set(parameter.values)]
  const elements = only!.split(',').filter((text) => text.trim() !== '')
  return [...new Set(freeText ? [...elements, only!] : elements.map((text) => text.trim()))]
}

/** The query of the same list's next page: the same filters, arrays joined by commas, then `limit` and `offset`. */
export function nextQuery(raw: RawQuery, names: readonly string[], page: { limit: number; offset: number }): string {
  const pairs: string[] = []
  for (const name of names) {
    const parameter = given(raw.get(name))
    if (!parameter || name === 'limit' || name === 'offset') continue
    const { values } = parameter
    const literal = parameter.bracketed || values.length > 1
    if (literal && values.some((text) => text.includes(','))) {
      for (const text of values) pairs.push(`${name}[]=${encodeURIComponent(text)}`)
    } else {
      pairs.push(`${name}=${encodeURIComponent(values.join(','))}`)
    }
  }
  return [...pairs, `limit=${page.limit}`, `offset=${page.offset}`].join('&')
}
