/** The moves of deliveries, in batches: take, make progress, put down, settle. Only a holder of the lease moves one. */
import type { HeldDelivery } from '../model/delivery.ts'
import type { Clock } from '../runtime/clock.ts'
import { codeOf, type Database } from '../storage/database.ts'
import {
  type Hold,
  hasAlone,
  type Progress,
  type PutDown,
  putDown,
  renewLeases,
  storeProgress,
  takeAlone,
  takeUnsure,
  takeWaiting,
} from '../storage/delivery-status.ts'
import { appendEvents } from '../storage/events.ts'
import { markNeedsReconnect, type Settled, type Settlement, settleDeliveries } from '../storage/settle-status.ts'

export type { AttemptRecord, Hold, Progress, PutDown } from '../storage/delivery-status.ts'
export type { Settled, Settlement } from '../storage/settle-status.ts'

/** What a worker wants to take. */
export interface Take {
  worker: string
  limit: number
  leaseMs: number
}

/** Takes ready deliveries: those to look at first, then those to send. */
export async function take(db: Database, clock: Clock, order: Take): Promise<HeldDelivery[]> {
  const now = clock.dbNow()
  const unsure = await takeUnsure(db, { ...order, now })
  const limit = order.limit - unsure.length
  if (limit <= 0) return unsure
  return [...unsure, ...(await takeToSend(db, { ...order, limit }, now))]
}

async function takeToSend(db: Database, order: Take, now: Date | null): Promise<HeldDelivery[]> {
  try {
    return await takeWaiting(db, { ...order, now })
  } catch (error) {
    if (codeOf(error) !== '23505') throw error
    // Another process took a delivery of one of these accounts between our look and our write: now we see it.
    return takeWaiting(db, { ...order, now }).catch((again) => {
      if (codeOf(again) === '23505') return []
      throw again
    })
  }
}

/** True while a delivery waits that may only run with nothing beside it. */
export function somethingRunsAlone(db: Database, clock: Clock): Promise<boolean> {
  return hasAlone(db, clock.dbNow())
}

/** Takes a delivery that must run alone; the caller has nothing else in flight. */
export function takeOneAlone(db: Database, clock: Clock, order: Take): Promise<HeldDelivery | null> {
  return takeAlone(db, { ...order, now: clock.dbNow() })
}

/** Prolongs leases; answers the ids that are still held. */
export function renew(db: Database, holds: readonly Hold[], leaseMs: number): Promise<string[]> {
  return renewLeases(db, holds, leaseMs)
}

/** Stores commit marks and checkpoints; answers the ids that are still held. Only those may go on. */
export function progress(db: Database, steps: readonly Progress[], leaseMs: number): Promise<string[]> {
  return storeProgress(db, steps, leaseMs)
}

/** Puts deliveries back without an end: waiting for another try, or unsure until the next look. */
export function release(db: Database, clock: Clock, downs: readonly PutDown[]): Promise<string[]> {
  return putDown(db, downs, clock.dbNow())
}

/** An end, and whether its account must be connected again. */
export interface Ending extends Settlement {
  projectId: string
  accountId: string
  /** What the platform said of the login; null: the login is not the trouble. */
  reconnect: string | null
  /** The login that was used, as it is stored. */
  sealed: Buffer | null
}

/** Ends deliveries, and with the last one their post, in one transaction with the events. */
export async function settle(db: Database, clock: Clock, ends: readonly Ending[]): Promise<Settled[]> {
  const now = clock.dbNow()
  const reconnects = ends.filter((end) => end.reconnect !== null)
  if (reconnects.length === 0) return settleDeliveries(db, ends, now)
  return db.transaction(async (tx) => {
    // Accounts first and in id order, as everybody locks them.
    const byAccount = new Map(reconnects.map((end) => [end.accountId, end]))
    for (const [id, end] of [...byAccount].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const isNew = await markNeedsReconnect(tx, { id, reason: end.reconnect!, sealed: end.sealed }, now)
      const event = { projectId: end.projectId, accountId: id, data: { reason: end.reconnect } }
      if (isNew) {
        await appendEvents(
          tx,
          [
            { ...event, type: 'social.account.needs_reconnect' },
            { ...event, type: 'social.account.updated' },
          ],
          now,
        )
      }
    }
    return settleDeliveries(tx, ends, now)
  })
}
