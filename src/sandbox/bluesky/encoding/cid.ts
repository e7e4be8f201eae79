import { sha256Of } from '../../blob-store.ts'

/**
 * Content ids as atproto writes them: version 1, SHA-256, multibase base32 (59 characters).
 * @see https://atproto.com/specs/data-model#link-and-cid-formats
 */
const header = { raw: Buffer.from([1, 0x55, 0x12, 0x20]), 'dag-cbor': Buffer.from([1, 0x71, 0x12, 0x20]) }

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'

/** RFC 4648 in lower case, without padding. */
export function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(value >>> bits) & 31]
    }
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text
}

/** @returns null when a character is no base32 or the last bits are not zero */
function fromBase32(text: string): Buffer | null {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const character of text) {
    const digit = alphabet.indexOf(character)
    if (digit === -1) return null
    value = ((value << 5) | digit) & 0xfff
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((value >>> bits) & 255)
    }
  }
  return (value & ((1 << bits) - 1)) === 0 ? Buffer.from(bytes) : null
}

export function cidOf(bytes: Uint8Array, codec: keyof typeof header): string {
  return `b${base32(Buffer.concat([header[codec], sha256Of(bytes)]))}`
}

/** @returns null unless it is such an id: 36 bytes, of which the last 32 are the SHA-256 */
export function cidBytes(cid: string): Buffer | null {
  if (cid.length !== 59 || cid[0] !== 'b') return null
  const bytes = fromBase32(cid.slice(1))
  if (bytes?.length !== 36) return null
  const known = Object.values(header).some((start) => bytes.subarray(0, 4).equals(start))
  return known ? bytes : null
}

/** SHA-256 in hexadecimal of what a valid CID names. */
export function sha256OfCid(cid: string): string {
  return cidBytes(cid)?.subarray(4).toString('hex') ?? ''
}
