import { parse } from 'secure-json-parse'
import { BelfryError } from '../model/errors.ts'

/** Deepest nesting of objects and arrays in a body; the body itself is level 1. */
export const maxDepth = 32

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * A JSON body. Nothing is `{}`. `__proto__` and `constructor.prototype` keys are dropped.
 * @throws {BelfryError} `malformed_json` for anything that is not JSON, is nested deeper than 32 levels, has a NUL or
 * half a surrogate pair in a text or a key, or a number that is too large: none of it could be stored as it is.
 */
export function parseJson(bytes: Buffer): unknown {
  const text = decode(bytes)
  if (text.trim() === '') return {}
  const value = parsed(text)
  const problem = unstorable(value, 1)
  if (problem) throw new BelfryError('malformed_json', problem)
  return value
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    throw new BelfryError('malformed_json', `The body is not UTF-8 text (${messageOf(error)}).`)
  }
}

function parsed(text: string): unknown {
  try {
    return parse(text, undefined, { protoAction: 'remove', constructorAction: 'remove' })
  } catch (error) {
    throw new BelfryError('malformed_json', `The body is not valid JSON: ${messageOf(error)}`)
  }
}

function messageOf(error: unknown): string {
  // V8 quotes the text around the mistake, which may be a token.
  return error instanceof Error
    ? error.message.replace(/,? ?\.{0,3}"[\s\S]*?"\.{0,3} is not valid JSON/, '')
    : 'unreadable'
}

/** Why the value cannot be stored as it is; null when it can. */
function unstorable(value: unknown, depth: number): string | null {
  if (typeof value === 'string') return badText(value)
  if (typeof value === 'number') {
    return Number.isFinite(value) ? null : 'The body has a number that is too large.'
  }
  if (typeof value !== 'object' || value === null) return null
  if (depth > maxDepth) return `The body is nested deeper than ${maxDepth} levels.`
  for (const [key, inner] of Object.entries(value)) {
    const problem = badText(key) ?? unstorable(inner, depth + 1)
    if (problem) return problem
  }
  return null
}

function badText(text: string): string | null {
  if (text.includes('\0')) return 'The body has a NUL character (\\u0000) in a text; remove it.'
  if (!text.isWellFormed())
    return 'The body has half a surrogate pair in a text, such as \\ud83d alone; send whole characters.'
  return null
}
