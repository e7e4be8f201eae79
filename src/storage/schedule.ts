import type { Db } from './database.ts'

/** Milliseconds until the next scheduled post is due, by the database's clock: 0 or less is now, null is never. */
export async function nextDueMs(db: Db, now: Date | null): Promise<number | null> {
  const rows = await db.rows<{ wait: number | null }>(
    `select (extract(epoch from min(scheduled_at) - coalesce($1, statement_timestamp())) * 1000)::float8 as wait
     from posts where status = 'scheduled'`,
    [now],
  )
  return rows[0]?.wait ?? null
}

/** How late the oldest due post is, in milliseconds; 0 when none is due. */
export async function dueOverview(db: Db, now: Date | null): Promise<{ oldestDueMs: number }> {
  const waitMs = await nextDueMs(db, now)
  return { oldestDueMs: waitMs === null ? 0 : Math.max(-waitMs, 0) }
}
