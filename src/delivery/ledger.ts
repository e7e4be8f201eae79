/** The worker's pen: writes of many deliveries share one round trip, and an end is written however long it takes. */
import {
  type Ending,
  type Progress,
  type PutDown,
  progress,
  release,
  type Settled,
  settle,
} from '../lifecycle/attempts.ts'
import { createBatch } from '../runtime/batch.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { sleep } from '../runtime/timer.ts'
import { type Database, isAway, isTransient } from '../storage/database.ts'

/** Most deliveries in one statement. */
const maxItems = 250
/** Between two tries to write while the database is away, in milliseconds. */
const awayMs = 300

export interface Ledger {
  /** Stores a mark or checkpoint; false if the lease was lost: then nothing may be sent. */
  progress(step: Progress): Promise<boolean>
  /** Ends a delivery; null if the lease was lost. Waits while the database is away. */
  settle(end: Ending): Promise<Settled | null>
  /** Puts a delivery down; false if the lease was lost. Waits while the database is away. */
  release(down: PutDown): Promise<boolean>
}

export function createLedger(parts: { db: Database; clock: Clock; log: Logger; leaseMs: number }): Ledger {
  const { db, clock, log, leaseMs } = parts
  // A statement that failed because of one row did nothing: its rows may be written one by one.
  const mayRepeat = (error: unknown) => !isAway(error)

  const marks = createBatch<Progress, boolean>({
    maxItems,
    mayRepeat,
    write: async (steps) => held(steps, await progress(db, steps, leaseMs)),
  })
  const ends = createBatch<Ending, Settled | null>({
    maxItems,
    mayRepeat,
    write: async (batch) => {
      const settled = new Map((await settle(db, clock, batch)).map((one) => [one.id, one]))
      return batch.map((end) => settled.get(end.id) ?? null)
    },
  })
  const downs = createBatch<PutDown, boolean>({
    maxItems,
    mayRepeat,
    write: async (batch) => held(batch, await release(db, clock, batch)),
  })

  async function persist<T>(write: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await write()
      } catch (error) {
        if (!isTransient(error)) throw error
        log.debug({ err: error }, 'an outcome waits to be written')
        await sleep(awayMs)
      }
    }
  }

  return {
    progress: (step) => marks.add(step),
    settle: (end) => persist(() => ends.add(end)),
    release: (down) => persist(() => downs.add(down)),
  }
}

function held(items: readonly { id: string }[], ids: readonly string[]): boolean[] {
  const still = new Set(ids)
  return items.map((item) => still.has(item.id))
}
