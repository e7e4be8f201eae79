import { failures } from '../model/errors.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Database } from '../storage/database.ts'
import { type DeadHold, freeDead, lockDead, type Rescue, voidLeases } from '../storage/rescue-status.ts'
import { type Settlement, settleDeliveries } from '../storage/settle-status.ts'

/** How long a request that a dead process sent may still be on its way before the first look. */
export const firstLookMs = 5_000

/** Deaths without progress after which a delivery is parked; from the one before on it runs alone. */
const deathsToPark = 3

/**
 * Takes up to `limit` deliveries from workers whose lease ran out: back to waiting if nothing can have been sent,
 * unsure after the commit mark, parked if they keep killing their process. Answers how many.
 */
export async function rescueDead(db: Database, clock: Clock, limit: number): Promise<number> {
  const now = clock.dbNow()
  return db.transaction(async (tx) => {
    const dead = await lockDead(tx, limit)
    const moves = dead.map(afterDeath)
    const rescues = moves.flatMap((move) => (move.kind === 'free' ? [move.rescue] : []))
    const ends = moves.flatMap((move) => (move.kind === 'end' ? [move.settlement] : []))
    if (rescues.length > 0) await freeDead(tx, rescues, now)
    if (ends.length > 0) await settleDeliveries(tx, ends, now)
    return dead.length
  })
}

/** Voids the leases that an earlier process left on a database which only this one can use. */
export function voidOldLeases(db: Database): Promise<number> {
  return voidLeases(db)
}

type AfterDeath = { kind: 'free'; rescue: Rescue } | { kind: 'end'; settlement: Settlement }

/** Pure: what becomes of a delivery whose worker died. */
export function afterDeath(dead: DeadHold): AfterDeath {
  const { id, fence, mark } = dead
  const park = dead.alone && dead.deadClaims + 1 >= deathsToPark
  if (!mark) {
    const reason = 'the process ended before anything visible was sent'
    if (park) return end(dead, 'failed', 'crashed_repeatedly')
    return { kind: 'free', rescue: { id, fence, to: 'waiting', readyInMs: 0, reason } }
  }
  // Nothing to ask, or asking keeps ending the process: a person must look.
  if (mark.recovery === 'none' || park) return end(dead, 'unknown', 'outcome_unknown')
  const reason = 'the process ended while the post was being sent'
  const readyInMs = mark.recovery === 'native-key' ? 0 : firstLookMs
  return { kind: 'free', rescue: { id, fence, to: 'unsure', readyInMs, reason } }
}

function end(
  dead: DeadHold,
  outcome: 'failed' | 'unknown',
  code: 'crashed_repeatedly' | 'outcome_unknown',
): AfterDeath {
  return {
    kind: 'end',
    settlement: {
      id: dead.id,
      fence: dead.fence,
      postId: dead.postId,
      outcome,
      error: failures[code],
      code,
      details: { code },
      platformData: {},
      media: dead.media,
      attempt: { kind: dead.state === 'unsure' ? 'look' : 'publish', outcome: 'lost', reason: failures[code] },
    },
  }
}
