/** Statements that keep the small tables small. Each may run in any process; one at a time (see `underLock`). */
import type { Db } from './database.ts'

/** Runs `chore` unless another process is at it; false if it was. */
export async function underLock(db: Db, name: string, chore: (tx: Db) => Promise<void>): Promise<boolean> {
  return db.transaction(async (tx) => {
    const rows = await tx.rows<{ mine: boolean }>('select pg_try_advisory_xact_lock(hashtext($1)) as mine', [
      `belfry chore ${name}`,
    ])
    if (!rows[0]?.mine) return false
    await chore(tx)
    return true
  })
}

/** Folds the appended changes of the post counts into one row per project and status. */
export async function foldPostCounts(tx: Db): Promise<void> {
  await tx.rows(
    `with gone as (delete from post_counts returning project_id, status, delta)
     insert into post_counts (project_id, status, delta)
     select project_id, status, sum(delta) from gone group by project_id, status having sum(delta) <> 0`,
  )
}

/** Deletes events older than `days`. */
export async function pruneEvents(tx: Db, days: number, now: Date | null): Promise<void> {
  await tx.rows(
    `delete from events where created_at < coalesce($2, statement_timestamp()) - make_interval(days => $1)`,
    [days, now],
  )
}

/** Deletes stored answers that no repeat can ask for any more: 24 h with a key of the caller's, else 10 min. */
export async function pruneRequests(tx: Db, now: Date | null): Promise<void> {
  await tx.rows(
    `delete from requests
     where created_at < coalesce($1, statement_timestamp())
       - case when idempotency_key is null then interval '10 minutes' else interval '24 hours' end`,
    [now],
  )
}
