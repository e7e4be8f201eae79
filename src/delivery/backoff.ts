/** First wait of a retry, in milliseconds. */
const baseMs = 5_000
/** Longest wait of a retry, in milliseconds: 15 min. */
const maxMs = 15 * 60_000

/**
 * How long to wait before the next try, in milliseconds: full jitter under 5 s × 2ⁿ up to 15 min, and never
 * less than the platform asked for.
 * @param tries tries so far, from 1
 * @param platformMs the platform's own delay, in milliseconds
 */
export function backoffMs(tries: number, platformMs = 0, random: () => number = Math.random): number {
  const ceiling = Math.min(baseMs * 2 ** Math.min(tries - 1, 20), maxMs)
  // A platform's delay is kept in full; a little is added so that many waiters do not come back at once.
  return platformMs > 0 ? platformMs + random() * Math.min(1_000, ceiling) : random() * ceiling
}

/** When an unsure delivery is looked at, in milliseconds after the look before it. */
export const lookDelaysMs = [5_000, 30_000, 120_000, 300_000, 900_000] as const
