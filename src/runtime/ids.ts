import { randomBytes } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const timeLength = 8
const randomLength = 16

/**
 * A new id: prefix, `_`, 8 base62 characters of the millisecond (so ids sort by time in byte order)
 * and 16 random ones (95 bits). Letters and digits only.
 */
export function newId(prefix: string, atMs: number): string {
  return `${prefix}_${base62(atMs, timeLength)}${randomBase62(randomLength)}`
}

/** `length` characters of base62 from the system's random source, each one equally likely. */
export function randomBase62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      // 248 = 4 × 62: higher bytes would favour the first letters.
      if (byte < 248 && text.length < length) text += alphabet[byte % 62]
    }
  }
  return text
}

/** A whole number from 0 as base62, padded on the left. */
export function base62(value: number, length: number): string {
  let rest = value
  let text = ''
  for (let position = 0; position < length; position += 1) {
    text = alphabet[rest % 62] + text
    rest = Math.floor(rest / 62)
  }
  return text
}
