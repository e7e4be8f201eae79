import type { Clock } from '../runtime/clock.ts'
import type { Db } from '../storage/database.ts'
import { appendEvents } from '../storage/events.ts'
import { deleteAccountRow, dropTargets, lockPostsOfAccount, postsLostAccount } from '../storage/status.ts'

/**
 * Deletes an account with its results. Refused (`in_use`) while a post that targets it is `processing`.
 * A draft or scheduled post loses the account; a scheduled one that is left without accounts becomes a draft.
 */
export async function removeAccount(
  tx: Db,
  order: { projectId: string; accountId: string; clock: Clock },
): Promise<'removed' | 'not_found' | 'in_use'> {
  const { projectId, accountId, clock } = order
  const now = clock.dbNow()
  const posts = await lockPostsOfAccount(tx, projectId, accountId)
  if (posts === null) return 'not_found'
  if (posts.some((post) => post.status === 'processing')) return 'in_use'
  const emptied = await dropTargets(tx, accountId)
  const changed = await postsLostAccount(tx, { ids: posts.map((post) => post.id), emptied }, now)
  await deleteAccountRow(tx, accountId)
  await appendEvents(
    tx,
    changed.map(({ id, status, version }) => ({
      projectId,
      type: 'social.post.updated',
      postId: id,
      data: { status, version },
    })),
    now,
  )
  return 'removed'
}
