/** Nudges between processes: NOTIFY on a connection of its own, never inside a write. */
import type pg from 'pg'
import { monotonicMs } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { later } from '../runtime/timer.ts'
import type { Database } from './database.ts'

const channel = 'belfry_nudge'
/** Between two notifications of one process, in milliseconds: many at once would queue commits behind each other. */
const gapMs = 50

/** Deliveries are waiting, or posts were written of which the earliest is due at `dueAtMs` (Unix time). */
export type Nudge = { what: 'deliveries' } | { what: 'posts'; dueAtMs: number }

export interface Nudges {
  /** Tells the other processes: at once, then at most every 50 ms. */
  send(nudge: Nudge): void
  stop(): Promise<void>
}

/**
 * Listens for other processes and tells them. Where a pooler forbids LISTEN, or the connection is lost, the sweeps
 * of dispatcher and worker serve until it is back.
 */
export function startNudges(parts: { db: Database; log: Logger; self: string; onNudge(nudge: Nudge): void }): Nudges {
  const { db, log, self, onNudge } = parts
  let listener: pg.PoolClient | null = null
  let stopped = false
  let cancelRetry = () => {}
  let cancelSend: (() => void) | null = null
  let sentAtMs = Number.NEGATIVE_INFINITY
  let pendingDeliveries = false
  let pendingDueAtMs = Number.POSITIVE_INFINITY

  async function listen(): Promise<void> {
    let client: pg.PoolClient | null = null
    try {
      client = await db.session()
      if (stopped) return client.release(true)
      const session = client
      listener = session
      client.on('error', () => lost(session))
      client.on('end', () => lost(session))
      client.on('notification', ({ payload }) => {
        const [from, deliveries, dueAtMs] = (payload ?? '').split(' ')
        if (from === self) return
        if (deliveries === 'deliveries') onNudge({ what: 'deliveries' })
        if (/^\d{1,16}$/.test(dueAtMs ?? '')) onNudge({ what: 'posts', dueAtMs: Number(dueAtMs) })
      })
      await client.query(`listen ${channel}`)
    } catch (error) {
      log.warn({ err: error }, 'cannot listen for other processes; sweeping each second instead')
      // The session goes back, once: kept, each try would cost the pool a connection for good.
      if (client === null) retry()
      else lost(client)
    }
  }

  function lost(client: pg.PoolClient): void {
    if (listener !== client) return
    listener = null
    client.release(true)
    retry()
  }

  function retry(): void {
    if (!stopped) cancelRetry = later(2_000, () => void listen())
  }

  function flush(): void {
    cancelSend = null
    sentAtMs = monotonicMs()
    const text = `${self} ${pendingDeliveries ? 'deliveries' : '-'} ${Number.isFinite(pendingDueAtMs) ? pendingDueAtMs : '-'}`
    pendingDeliveries = false
    pendingDueAtMs = Number.POSITIVE_INFINITY
    db.rows('select pg_notify($1, $2)', [channel, text]).catch(() => {})
  }

  void listen()
  return {
    send(nudge) {
      if (nudge.what === 'deliveries') pendingDeliveries = true
      else pendingDueAtMs = Math.min(pendingDueAtMs, nudge.dueAtMs)
      cancelSend ??= later(sentAtMs + gapMs - monotonicMs(), flush)
    },
    async stop() {
      stopped = true
      cancelRetry()
      cancelSend?.()
      const client = listener
      listener = null
      client?.release(true)
    },
  }
}
