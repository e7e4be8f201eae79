import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { base62, randomBase62 } from '../runtime/ids.ts'

const prefix = 'blf_live_'
const randomLength = 32
const checkLength = 6
const form = new RegExp(`^${prefix}([0-9A-Za-z]{${randomLength}})([0-9A-Za-z]{${checkLength}})$`)

/** A new key, shown once, with what is stored of it. */
export interface MadeKey {
  key: string
  hash: Buffer
  /** The first characters, to recognise it by. */
  hint: string
}

/** A new API key: `blf_live_`, 32 random base62 characters (190 bits) and 6 of a checksum. */
export function makeApiKey(): MadeKey {
  const random = randomBase62(randomLength)
  const key = `${prefix}${random}${checksum(random)}`
  return { key, hash: hashApiKey(key), hint: hintOf(key) }
}

/** The first characters of a key: enough to recognise it by, far too few to use. */
export function hintOf(key: string): string {
  return key.slice(0, prefix.length + 4)
}

/** True when the form and checksum are right, so that typing errors and other services' keys need no query. */
export function isApiKey(text: string): boolean {
  const parts = form.exec(text)
  return parts !== null && checksum(parts[1]!) === parts[2]
}

/** SHA-256: the key has 190 bits of its own, so a slow hash would protect nothing. */
export function hashApiKey(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

function checksum(random: string): string {
  return base62(crc32(random), checkLength)
}
