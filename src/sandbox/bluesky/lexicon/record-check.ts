import type { JsonObject } from '../../../model/platform.ts'
import { cidBytes } from '../encoding/cid.ts'
import { tidPattern } from '../encoding/tid.ts'
import { checker } from './checker.ts'
import { postSchema } from './post-schema.ts'

export const postCollection = 'app.bsky.feed.post'
const checkPost = checker(postSchema, '$.record')

/** What the PDS has against a record, as the message of its 400; null: nothing. `validate` is the request's own field. */
export function recordProblem(
  collection: string,
  rkey: string | null,
  record: JsonObject,
  validate: boolean | undefined,
): string | null {
  const type = record['$type']
  if (type !== undefined && type !== collection) return `Invalid $type: expected ${collection}, got ${shown(type)}`
  const unfit = dataProblem(record, '$.record')
  if (unfit !== null) return `Invalid ${collection} record: ${unfit}`
  if (collection !== postCollection) {
    return validate === true ? `Unknown lexicon: this emulator cannot validate ${collection}` : null
  }
  if (rkey !== null && !tidPattern.test(rkey)) return `Invalid TID string (got "${rkey}") at $.rkey`
  if (validate === false) return null
  const problem = checkPost(record) ?? facetProblem(record)
  return problem === null ? null : `Invalid ${collection} record: ${problem}`
}

/** `valid` and `unknown` as the PDS answers them; undefined when the caller switched validation off. */
export function validationStatus(collection: string, validate: boolean | undefined): 'valid' | 'unknown' | undefined {
  if (validate === false) return undefined
  return collection === postCollection ? 'valid' : 'unknown'
}

/** What atproto's data model has no place for: fractions, unsafe integers, broken links. */
function dataProblem(value: unknown, path: string, depth = 0): string | null {
  if (depth > 64) return `nested too deeply at ${path}`
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? null : `Expected integer value type (got ${value}) at ${path}`
  }
  if (typeof value !== 'object' || value === null) return null
  if ('$link' in value) {
    return typeof value.$link === 'string' && cidBytes(value.$link) !== null ? null : `Invalid CID link at ${path}`
  }
  if ('$bytes' in value) return typeof value.$bytes === 'string' ? null : `Invalid bytes at ${path}`
  const isList = Array.isArray(value)
  for (const [key, inner] of Object.entries(value)) {
    const problem = dataProblem(inner, isList ? `${path}[${key}]` : `${path}.${key}`, depth + 1)
    if (problem !== null) return problem
  }
  return null
}

/**
 * Stricter than the real one, which stores a facet outside of its text and shows nothing: ranges must lie in the
 * text, hold something, and begin and end between characters of its UTF-8 form.
 */
function facetProblem(record: JsonObject): string | null {
  const facets = record['facets'] as { index: { byteStart: number; byteEnd: number } }[] | undefined
  if (!facets || facets.length === 0) return null
  const text = Buffer.from(record['text'] as string, 'utf8')
  const cuts = (at: number) => at < text.length && (text[at]! & 0xc0) === 0x80
  for (const [position, { index }] of facets.entries()) {
    const { byteStart, byteEnd } = index
    const at = `at $.record.facets[${position}].index`
    if (byteStart >= byteEnd) return `byteStart ${byteStart} is not before byteEnd ${byteEnd} ${at}`
    if (byteEnd > text.length) return `byteEnd ${byteEnd} is past the text of ${text.length} bytes ${at}`
    if (cuts(byteStart) || cuts(byteEnd)) return `a character of the text is cut ${at}`
  }
  return null
}

function shown(value: unknown): string {
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 100)
}
