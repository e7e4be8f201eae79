import { randomInt } from 'node:crypto'

const alphabet = '234567abcdefghijklmnopqrstuvwxyz'

/**
 * A record key that sorts by time: 13 characters of base32 over 53 bits of microseconds and a random clock id of
 * 10 bits. The microseconds within the millisecond are random too.
 * @see https://atproto.com/specs/tid (read 2026-11-24)
 */
export function newTid(atMs: number): string {
  const micros = BigInt(Math.floor(atMs)) * 1000n + BigInt(randomInt(1000))
  let rest = (micros << 10n) | BigInt(randomInt(1024))
  let text = ''
  for (let position = 0; position < 13; position += 1) {
    text = alphabet[Number(rest & 31n)] + text
    rest >>= 5n
  }
  return text
}
