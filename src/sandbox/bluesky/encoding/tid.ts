const alphabet = '234567abcdefghijklmnopqrstuvwxyz'

/** @see https://atproto.com/specs/tid */
export const tidPattern = /^[234567a-j][234567a-z]{12}$/

/** Makes TIDs that only grow: microseconds since 1970, then 10 bits that tell machines apart (0 here). */
export function createTids(nowMs: () => number): () => string {
  let lastUs = 0
  return () => {
    lastUs = Math.max(Math.floor(nowMs() * 1000), lastUs + 1)
    return tidOf(lastUs)
  }
}

export function tidOf(microseconds: number): string {
  let rest = BigInt(microseconds) << 10n
  let text = ''
  for (let position = 0; position < 13; position += 1) {
    text = alphabet[Number(rest & 31n)] + text
    rest >>= 5n
  }
  return text
}
