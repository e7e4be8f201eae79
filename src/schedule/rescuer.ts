import { rescueDead } from '../lifecycle/rescue.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { type Service, startService } from '../runtime/service.ts'
import type { Database } from '../storage/database.ts'

/** Most deliveries that one transaction takes over. */
const batchSize = 200

/** How long workers that outlived an outage of the database have for that, in milliseconds. */
const afterOutageMs = 4_000

/**
 * Takes over deliveries whose worker died: looks every `everyMs`.
 * @param wake called when something was freed
 */
export function startRescuer(parts: {
  db: Database
  clock: Clock
  log: Logger
  wake(): void
  everyMs?: number
}): Service {
  const { db, clock, log, wake, everyMs = 1_000 } = parts
  let away = false
  return startService({
    name: 'rescuer',
    log,
    async runOnce() {
      if (away) {
        // The database is back: living workers renew their leases and write what they learned before anyone is rescued.
        await db.rows('select 1')
        away = false
        return afterOutageMs
      }
      const count = await rescueDead(db, clock, batchSize).catch((error) => {
        away = true
        throw error
      })
      if (count === 0) return everyMs
      log.warn({ count }, 'took over deliveries whose worker is gone')
      wake()
      return count < batchSize ? everyMs : 0
    },
  })
}
