import { Ajv, type ErrorObject, type SchemaValidateFunction } from 'ajv'
import { cidBytes } from '../encoding/cid.ts'
import { formats } from './formats.ts'

/** A JSON Schema with the keywords below. */
export type Schema = { [keyword: string]: unknown }

/**
 * JSON Schema plus what the Lexicon language counts differently:
 * `graphemes` (most user-perceived characters), `utf8Bytes` (most bytes) and
 * `blob: { accept, maxSize }` (a reference to an uploaded file; `accept` as `image/*`).
 */
const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true })
for (const [name, check] of Object.entries(formats)) ajv.addFormat(name, check)
ajv.addKeyword({
  keyword: 'graphemes',
  type: 'string',
  schemaType: 'number',
  errors: true,
  validate: keyword(tooManyGraphemes),
})
ajv.addKeyword({
  keyword: 'utf8Bytes',
  type: 'string',
  schemaType: 'number',
  errors: true,
  validate: keyword(tooManyBytes),
})
ajv.addKeyword({ keyword: 'blob', schemaType: 'object', errors: true, validate: keyword(badBlob) })

/** Answers what is wrong with a value, in the words of a PDS with the place as `$.record.text`; null: nothing. */
export function checker(schema: Schema, root = '$'): (value: unknown) => string | null {
  const validate = ajv.compile(schema)
  return (value) => (validate(value) ? null : sentence(validate.errors![0]!, root))
}

interface BlobLimit {
  accept: string[]
  maxSize: number
}

function keyword<T>(problem: (limit: T, value: never) => string | null): SchemaValidateFunction {
  const validate: SchemaValidateFunction = (limit: T, value: unknown) => {
    const message = problem(limit, value as never)
    if (message !== null) validate.errors = [{ keyword: 'lexicon', message, params: {} }]
    return message === null
  }
  return validate
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

function tooManyGraphemes(max: number, text: string): string | null {
  // Never more graphemes than UTF-16 units, so that short text need not be cut up.
  if (text.length <= max) return null
  let count = 0
  for (const _ of segmenter.segment(text)) count += 1
  return count > max ? `grapheme too big (maximum ${max}, got ${count})` : null
}

function tooManyBytes(max: number, text: string): string | null {
  const bytes = Buffer.byteLength(text)
  return bytes > max ? `string too big (maximum ${max}, got ${bytes})` : null
}

function badBlob({ accept, maxSize }: BlobLimit, value: unknown): string | null {
  if (!isBlobRef(value)) return 'Expected blob value type'
  if (!accept.some((wanted) => acceptsMime(wanted, value.mimeType))) {
    return `Expected ${accept.map((wanted) => `"${wanted}"`).join(' or ')} (got "${value.mimeType.slice(0, 100)}")`
  }
  return value.size > maxSize ? `blob too big (maximum ${maxSize}, got ${value.size})` : null
}

export interface BlobRef {
  $type: 'blob'
  ref: { $link: string }
  mimeType: string
  size: number
}

export function isBlobRef(value: unknown): value is BlobRef {
  if (typeof value !== 'object' || value === null) return false
  const { $type, ref, mimeType, size } = value as Partial<BlobRef>
  if ($type !== 'blob' || typeof mimeType !== 'string' || !Number.isSafeInteger(size) || size! < 0) return false
  return typeof ref?.$link === 'string' && Object.keys(ref).length === 1 && cidBytes(ref.$link) !== null
}

function acceptsMime(wanted: string, mimeType: string): boolean {
  return wanted.endsWith('/*') ? mimeType.startsWith(wanted.slice(0, -1)) : wanted === mimeType
}

function sentence({ keyword: name, instancePath, params, message }: ErrorObject, root: string): string {
  const path = root + placeOf(instancePath)
  switch (name) {
    case 'lexicon':
      return `${message} at ${path}`
    case 'required':
      return `Missing required key "${params['missingProperty']}" at ${path}`
    case 'type':
      return `Expected ${[params['type']].flat().join(' or ')} value type at ${path}`
    case 'format':
      return `Invalid ${params['format']} at ${path}`
    case 'maxItems':
      return `array too big (maximum ${params['limit']}) at ${path}`
    case 'maximum':
      return `integer too big (maximum ${params['limit']}) at ${path}`
    case 'minimum':
      return `integer too small (minimum ${params['limit']}) at ${path}`
    case 'maxLength':
      return `string too big (maximum ${params['limit']}) at ${path}`
    default:
      return `${message ?? 'Invalid value'} at ${path}`
  }
}

/** `/embed/images/0` as `.embed.images[0]`. */
function placeOf(pointer: string): string {
  return pointer.replace(/\/([^/]*)/g, (_, part: string) =>
    /^\d+$/.test(part) ? `[${part}]` : `.${part.replace(/~1/g, '/').replace(/~0/g, '~')}`,
  )
}
