import type { Clock } from '../runtime/clock.ts'
import type { Database } from '../storage/database.ts'
import { lockDuePosts, startLockedPosts } from '../storage/status.ts'

/** A post that just began. `lateMs`: how long after its time, by the database's clock. */
export interface StartedPost {
  id: string
  projectId: string
  lateMs: number
}

/**
 * Moves up to `limit` due posts from `scheduled` to `processing`; their deliveries are born in the same
 * transaction. Any number of processes may call it: a post that another one holds is left out.
 */
export async function claimDue(db: Database, clock: Clock, limit: number): Promise<StartedPost[]> {
  const now = clock.dbNow()
  return db.transaction(async (tx) => {
    const ids = await lockDuePosts(tx, limit, now)
    return ids.length === 0 ? [] : startLockedPosts(tx, ids, now)
  })
}
