import { claimDue } from '../lifecycle/processing.ts'
import type { Clock } from '../runtime/clock.ts'
import { monotonicMs } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { type Service, startService } from '../runtime/service.ts'
import type { Database } from '../storage/database.ts'
import { dueOverview, nextDueMs } from '../storage/schedule.ts'

/** Most posts that one transaction moves. */
const batchSize = 500
/** The net under exact timing: looks this often whatever it knows, in milliseconds. */
const sweepMs = 1_000

export interface Dispatcher {
  /** A post was written that is due at `dueAtMs` (Unix time): looks again if that is sooner than known. Without it: at once. */
  nudge(dueAtMs?: number): void
  /** For /readyz: milliseconds since the last finished look and since the last claim; how late the oldest due post is. */
  pulse(): Promise<Pulse>
  stop(): Promise<void>
}

export interface Pulse {
  tickedMsAgo: number
  claimedMsAgo: number
  /** 0 when nothing is due. */
  oldestDueMs: number
}

/**
 * Moves posts to `processing` when their time has come: sleeps until the next due time, by the database's clock.
 * @param wake called after each batch, when deliveries are waiting
 */
export function startDispatcher(parts: { db: Database; clock: Clock; log: Logger; wake(): void }): Dispatcher {
  const { db, clock, log, wake } = parts
  let tickedAtMs = monotonicMs()
  let claimedAtMs = monotonicMs()
  /** When the next look comes by itself; unknown while one is under way. */
  let nextLookAtMs = Number.POSITIVE_INFINITY

  async function runOnce(signal: AbortSignal): Promise<number> {
    nextLookAtMs = Number.POSITIVE_INFINITY
    while (!signal.aborted) {
      const started = await claimDue(db, clock, batchSize)
      if (started.length > 0) {
        claimedAtMs = monotonicMs()
        wake()
      }
      for (const post of started) {
        const lateMs = Math.round(post.lateMs)
        log.info({ post_id: post.id, from: 'scheduled', to: 'processing', late_ms: lateMs }, 'post is due')
      }
      tickedAtMs = monotonicMs()
      if (started.length < batchSize) break
    }
    const waitMs = await nextDueMs(db, clock.dbNow())
    // A timer may fire a little early; the statement then finds nothing and the next wait is short.
    const sleepMs = waitMs === null ? sweepMs : Math.min(Math.max(waitMs, 0), sweepMs)
    nextLookAtMs = clock.nowMs() + sleepMs
    return sleepMs
  }

  const service: Service = startService({ name: 'dispatcher', log, runOnce })
  return {
    nudge(dueAtMs) {
      // Ten thousand posts for next week must not mean ten thousand looks.
      if (dueAtMs === undefined || dueAtMs < nextLookAtMs) service.nudge()
    },
    async pulse() {
      const nowMs = monotonicMs()
      const { oldestDueMs } = await dueOverview(db, clock.dbNow())
      return { tickedMsAgo: nowMs - tickedAtMs, claimedMsAgo: nowMs - claimedAtMs, oldestDueMs }
    },
    stop: () => service.stop(),
  }
}
