import type { Database } from '../storage/database.ts'
import { migrationsAreCurrent } from '../storage/migrate.ts'
import type { Dispatcher } from './dispatcher.ts'

/** A dispatcher that has not looked for this long is stuck, in milliseconds. */
const tickLimitMs = 10_000
/** A post this late, while nothing was claimed for so long, means that nobody dispatches. In milliseconds. */
const lateLimitMs = 60_000
const idleLimitMs = 30_000

export interface Readiness extends Record<string, unknown> {
  ok: boolean
}

/** For /readyz: the database answers, migrations are current, and with the worker role the dispatcher works. */
export async function readiness(db: Database, dispatcher: () => Dispatcher | null): Promise<Readiness> {
  try {
    const migrations = (await migrationsAreCurrent(db)) ? 'current' : 'behind'
    const pulse = (await dispatcher()?.pulse()) ?? null
    const stuck = pulse !== null && pulse.tickedMsAgo > tickLimitMs
    const late = pulse !== null && pulse.oldestDueMs > lateLimitMs && pulse.claimedMsAgo > idleLimitMs
    return {
      ok: migrations === 'current' && !stuck && !late,
      database: 'ok',
      migrations,
      dispatcher: pulse && {
        ticked_ms_ago: Math.round(pulse.tickedMsAgo),
        claimed_ms_ago: Math.round(pulse.claimedMsAgo),
        oldest_due_ms: Math.round(pulse.oldestDueMs),
      },
    }
  } catch {
    return { ok: false, database: 'away', migrations: null, dispatcher: null }
  }
}
