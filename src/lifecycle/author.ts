/** What a post's author can do: write it, replace it, discard it. Each is all of it or none of it. */
import type { Account } from '../model/account.ts'
import type { JsonObject } from '../model/platform.ts'
import type { Post, PostDraft, PostStatus } from '../model/post.ts'
import type { Clock } from '../runtime/clock.ts'
import { newId } from '../runtime/ids.ts'
import type { Db } from '../storage/database.ts'
import { appendEvents } from '../storage/events.ts'
import { deletePost, insertPost, type NewTarget, readStatus, replaceTargets, updatePost } from '../storage/status.ts'
import { editable } from './states.ts'

/** Why nothing was changed. */
export type Refusal =
  | { refused: 'not_found' }
  | { refused: 'not_editable'; status: PostStatus }
  | { refused: 'version_mismatch'; version: number }

/** Creates a post: a draft, a scheduled one, or one that is published at once. */
export async function createPost(
  tx: Db,
  order: { projectId: string; draft: PostDraft; accounts: readonly Account[]; clock: Clock },
): Promise<Post> {
  const { projectId, draft, clock } = order
  const status = statusAfterWrite(draft)
  const now = clock.dbNow()
  const post = await insertPost(
    tx,
    { id: newId('sp', clock.nowMs()), projectId, status, draft, targets: newTargets(draft, clock) },
    now,
  )
  await tellWritten(tx, 'social.post.created', post, now)
  return post
}

/** Replaces a post that is still a draft or scheduled; `id` and `created_at` stay. */
export async function replacePost(
  tx: Db,
  order: {
    projectId: string
    postId: string
    draft: PostDraft
    accounts: readonly Account[]
    /** Only if the post still has this version; null: whatever it has. */
    ifMatch: number | null
    clock: Clock
  },
): Promise<Post | Refusal> {
  const { projectId, postId, draft, ifMatch, clock } = order
  const now = clock.dbNow()
  const to = statusAfterWrite(draft)
  const post = await updatePost(tx, { id: postId, projectId, from: editable, to, draft }, ifMatch, now)
  if (!post) return whyRefused(tx, projectId, postId, ifMatch)
  await replaceTargets(tx, postId, newTargets(draft, clock))
  await tellWritten(tx, 'social.post.updated', post, now)
  return post
}

/** Discards a post that is still a draft or scheduled; answers it as it was. */
export async function removePost(
  tx: Db,
  order: { projectId: string; postId: string; ifMatch: number | null; clock: Clock },
): Promise<Post | Refusal> {
  const { projectId, postId, ifMatch, clock } = order
  const gone = await deletePost(tx, { id: postId, projectId, from: editable }, ifMatch)
  if (!gone) return whyRefused(tx, projectId, postId, ifMatch)
  const { post, accountIds } = gone
  await appendEvents(
    tx,
    [{ projectId, type: 'social.post.deleted', postId, data: snapshot(post, accountIds) }],
    clock.dbNow(),
  )
  return post
}

function statusAfterWrite(draft: PostDraft): PostStatus {
  if (draft.isDraft) return 'draft'
  return draft.scheduledAt ? 'scheduled' : 'processing'
}

function newTargets(draft: PostDraft, clock: Clock): NewTarget[] {
  return draft.accountIds.map((accountId) => ({ accountId, deliveryId: newId('spr', clock.nowMs()) }))
}

async function whyRefused(tx: Db, projectId: string, postId: string, ifMatch: number | null): Promise<Refusal> {
  const there = await readStatus(tx, projectId, postId)
  if (!there) return { refused: 'not_found' }
  const isEditable = editable.some((status) => status === there.status)
  if (!isEditable) return { refused: 'not_editable', status: there.status }
  if (ifMatch !== null) return { refused: 'version_mismatch', version: there.version }
  // Deleted and made anew between the two reads cannot be: ids are never used twice.
  throw new Error(`post ${postId} is ${there.status} and still was not written`)
}

async function tellWritten(
  tx: Db,
  type: 'social.post.created' | 'social.post.updated',
  post: Post,
  now: Date | null,
): Promise<void> {
  const event = { projectId: post.projectId, postId: post.id }
  const told = [{ ...event, type, data: { status: post.status, version: post.version } }]
  const started = { ...event, type: 'social.post.processing' as const, data: {} }
  await appendEvents(tx, post.status === 'processing' ? [...told, started] : told, now)
}

/** A deleted post for its followers: afterwards there is nothing to read. */
function snapshot(post: Post, accountIds: string[]): JsonObject {
  return {
    status: post.status,
    caption: post.caption,
    external_id: post.externalId,
    media: JSON.parse(JSON.stringify(post.media)),
    platform_configurations: JSON.parse(JSON.stringify(post.platformConfigurations)),
    account_configurations: JSON.parse(JSON.stringify(post.accountConfigurations)),
    scheduled_at: post.scheduledAt?.toISOString() ?? null,
    created_at: post.createdAt.toISOString(),
    updated_at: post.updatedAt.toISOString(),
    social_accounts: accountIds,
  }
}
