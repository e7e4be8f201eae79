import type { VendorReply } from '../emulator.ts'
import { refusal } from './xrpc.ts'

/** One limit: so many points in so many seconds, counted from the first use. */
export interface Limit {
  points: number
  seconds: number
}

/** Logins per account (contract sheet, Credentials; the PDS counts per name and address). */
export const loginLimits: Limit[] = [
  { points: 300, seconds: 86_400 },
  { points: 30, seconds: 300 },
]

/**
 * Writes per DID. A putRecord costs 2 whether it creates or updates (packages/pds putRecord.ts, read 2026-11-24).
 * @see https://docs.bsky.app/docs/advanced-guides/rate-limits
 */
export const writeLimits: Limit[] = [
  { points: 35_000, seconds: 86_400 },
  { points: 5_000, seconds: 3_600 },
]
export const writePoints = { create: 3, put: 2, delete: 1 }

/** Uploads per account. */
export const uploadLimits: Limit[] = [{ points: 1_000, seconds: 86_400 }]

export interface Meter {
  /** Takes points; `refused` when one limit is used up. Headers describe the limit that is nearest. */
  use(key: string, points: number): { headers: Record<string, string>; refused: VendorReply | null }
}

/** Counts in memory: a restart forgives. */
export function createMeter(limits: Limit[], nowMs: () => number): Meter {
  const used = new Map<string, { startMs: number; points: number }[]>()
  return {
    use(key, points) {
      const now = nowMs()
      const windows = used.get(key) ?? limits.map(() => ({ startMs: now, points: 0 }))
      used.set(key, windows)
      let nearest = { left: Number.POSITIVE_INFINITY, limit: limits[0]!, startMs: now }
      limits.forEach((limit, index) => {
        const window = windows[index]!
        // A clock that was moved back must not leave a window that ends in a far future.
        if (now >= window.startMs + limit.seconds * 1000 || now < window.startMs) {
          Object.assign(window, { startMs: now, points: 0 })
        }
        window.points += points
        const left = limit.points - window.points
        if (left < nearest.left) nearest = { left, limit, startMs: window.startMs }
      })
      const headers = limitHeaders(nearest.limit, nearest.left, nearest.startMs + nearest.limit.seconds * 1000)
      return { headers, refused: nearest.left < 0 ? tooMany(headers) : null }
    },
  }
}

export function limitHeaders({ points, seconds }: Limit, left: number, resetAtMs: number): Record<string, string> {
  return {
    'ratelimit-limit': String(points),
    'ratelimit-remaining': String(Math.max(left, 0)),
    'ratelimit-reset': String(Math.ceil(resetAtMs / 1000)),
    'ratelimit-policy': `${points};w=${seconds}`,
  }
}

export function tooMany(headers: Record<string, string>): VendorReply {
  return refusal(429, 'RateLimitExceeded', 'Rate Limit Exceeded', headers)
}
