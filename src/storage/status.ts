/**
 * Every statement that writes a post's status. Each names the statuses that it may leave, so that of two
 * writers exactly one wins; zero rows means someone was faster. Called from lifecycle/ alone.
 */
import type { Post, PostDraft, PostStatus } from '../model/post.ts'
import type { Db } from './database.ts'
import { type PostRow, postColumns, postFromRow } from './posts.ts'

/** A target as it is written: the delivery's id is chosen now, so that claiming needs no code. */
export interface NewTarget {
  accountId: string
  deliveryId: string
}

/** Inserts a post with its targets; `processing` posts get their deliveries and are on their way at once. */
export async function insertPost(
  tx: Db,
  post: { id: string; projectId: string; status: PostStatus; draft: PostDraft; targets: NewTarget[] },
  now: Date | null,
): Promise<Post> {
  const rows = await tx.rows<PostRow>(
    `with moment as (select coalesce($11::timestamptz, statement_timestamp()) as at),
     post as (
       insert into posts (id, project_id, status, external_id, caption, media, platform_configurations,
         account_configurations, scheduled_at, open_deliveries, created_at, updated_at)
       select $1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb,
         case when $3 = 'processing' then at else $9::timestamptz end,
         case when $3 = 'processing' then cardinality($10::text[]) else 0 end, at, at
       from moment returning *
     ),
     target as (
       insert into targets (post_id, position, account_id, delivery_id)
       select $1, n, account_id, delivery_id
       from unnest($10::text[], $12::text[]) with ordinality as t (account_id, delivery_id, n)
     ),
     delivery as (
       insert into deliveries (id, post_id, project_id, account_id, platform, position, state, due_at, ready_at,
         deadline_at, created_at)
       select t.delivery_id, $1, $2, t.account_id, a.platform, n, 'waiting', at, at,
         at + make_interval(secs => p.retry_deadline_s), at
       from unnest($10::text[], $12::text[]) with ordinality as t (account_id, delivery_id, n)
       join accounts a on a.id = t.account_id
       join projects p on p.id = $2
       cross join moment
       where $3 = 'processing'
     )
     select ${postColumns} from post`,
    [
      post.id,
      post.projectId,
      post.status,
      ...contentParameters(post.draft),
      post.draft.scheduledAt,
      post.targets.map((target) => target.accountId),
      now,
      post.targets.map((target) => target.deliveryId),
    ],
  )
  return postFromRow(rows[0]!)
}

/** Replaces content and status of a post that still is in one of `from`; null if it is not, or has another version. */
export async function updatePost(
  tx: Db,
  post: { id: string; projectId: string; from: readonly PostStatus[]; to: PostStatus; draft: PostDraft },
  ifMatch: number | null,
  now: Date | null,
): Promise<Post | null> {
  const rows = await tx.rows<PostRow>(
    `update posts set status = $10, version = version + 1, external_id = $4, caption = $5, media = $6::jsonb,
       platform_configurations = $7::jsonb, account_configurations = $8::jsonb,
       scheduled_at = case when $10 = 'processing' then coalesce($12, statement_timestamp()) else $9::timestamptz end,
       updated_at = coalesce($12, statement_timestamp())
     where id = $1 and project_id = $2 and status = any($3) and ($11::integer is null or version = $11)
     returning ${postColumns}`,
    [
      post.id,
      post.projectId,
      post.from,
      ...contentParameters(post.draft),
      post.draft.scheduledAt,
      post.to,
      ifMatch,
      now,
    ],
  )
  return rows[0] ? postFromRow(rows[0]) : null
}

/** Gives a post that the caller's transaction has just written new targets, and deliveries if it is `processing`. */
export async function replaceTargets(tx: Db, postId: string, targets: NewTarget[]): Promise<void> {
  await tx.rows('delete from targets where post_id = $1', [postId])
  await tx.rows(
    `with target as (
       insert into targets (post_id, position, account_id, delivery_id)
       select $1, n, account_id, delivery_id
       from unnest($2::text[], $3::text[]) with ordinality as t (account_id, delivery_id, n)
       returning *
     ),
     delivery as (
       insert into deliveries (id, post_id, project_id, account_id, platform, position, state, due_at, ready_at,
         deadline_at, created_at)
       select t.delivery_id, $1, p.project_id, t.account_id, a.platform, t.position, 'waiting', p.scheduled_at,
         p.scheduled_at, p.scheduled_at + make_interval(secs => r.retry_deadline_s), p.scheduled_at
       from target t
       join accounts a on a.id = t.account_id
       join posts p on p.id = $1 and p.status = 'processing'
       join projects r on r.id = p.project_id
       returning id
     )
     update posts set open_deliveries = cardinality($2::text[]) where id = $1 and status = 'processing'`,
    [postId, targets.map((target) => target.accountId), targets.map((target) => target.deliveryId)],
  )
}

/** Deletes a post that still is in one of `from`; answers it as it was, with its accounts in order. */
export async function deletePost(
  tx: Db,
  post: { id: string; projectId: string; from: readonly PostStatus[] },
  ifMatch: number | null,
): Promise<{ post: Post; accountIds: string[] } | null> {
  const rows = await tx.rows<PostRow & { account_ids: string[] }>(
    `with gone as (
       delete from posts
       where id = $1 and project_id = $2 and status = any($3) and ($4::integer is null or version = $4)
       returning ${postColumns}
     )
     select *, array(select account_id from targets where post_id = $1 order by position) as account_ids from gone`,
    [post.id, post.projectId, post.from, ifMatch],
  )
  return rows[0] ? { post: postFromRow(rows[0]), accountIds: rows[0].account_ids } : null
}

/** Why a guarded write changed nothing: where the post is now; null if there is none. */
export async function readStatus(
  tx: Db,
  projectId: string,
  postId: string,
): Promise<{ status: PostStatus; version: number } | null> {
  const rows = await tx.rows<{ status: PostStatus; version: number }>(
    'select status, version from posts where id = $1 and project_id = $2',
    [postId, projectId],
  )
  return rows[0] ?? null
}

/** Locks up to `limit` due posts, oldest first, leaving out those that someone else holds. */
export async function lockDuePosts(tx: Db, limit: number, now: Date | null): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(
    `select id from posts
     where status = 'scheduled' and scheduled_at <= coalesce($2, statement_timestamp())
     order by scheduled_at, id limit $1 for update skip locked`,
    [limit, now],
  )
  return rows.map((row) => row.id)
}

/**
 * Moves locked due posts to `processing`, with their deliveries and events. A statement of its own after the lock:
 * only a snapshot taken after it sees the targets of a PUT that held the row before.
 * (For the \`coalesce\` see settle-status.ts.)
 */
export async function startLockedPosts(
  tx: Db,
  ids: readonly string[],
  now: Date | null,
): Promise<{ id: string; projectId: string; lateMs: number }[]> {
  return tx.rows(
    `with moment as (select coalesce($2::timestamptz, statement_timestamp()) as at),
     claimed as (
       update posts p set status = 'processing', version = version + 1, updated_at = at,
         open_deliveries = (select count(*) from targets t where t.post_id = p.id)
       from moment where p.id = any($1) and coalesce(p.status = 'scheduled', false)
       returning p.id, p.project_id, p.scheduled_at
     ),
     delivery as (
       insert into deliveries (id, post_id, project_id, account_id, platform, position, state, due_at, ready_at,
         deadline_at, created_at)
       select t.delivery_id, c.id, c.project_id, t.account_id, a.platform, t.position, 'waiting', c.scheduled_at, at,
         at + make_interval(secs => r.retry_deadline_s), at
       from claimed c
       join targets t on t.post_id = c.id
       join accounts a on a.id = t.account_id
       join projects r on r.id = c.project_id
       cross join moment
     ),
     event as (
       insert into events (project_id, type, post_id, created_at)
       select project_id, 'social.post.processing', id, at from claimed cross join moment order by scheduled_at, id
     )
     select id, project_id as "projectId", (extract(epoch from at - scheduled_at) * 1000)::float8 as "lateMs"
     from claimed cross join moment`,
    [ids, now],
  )
}

/**
 * Locks an account and the posts that target it, in id order, so that none can begin meanwhile; null if there is no
 * such account. Posts that are `processed` are left alone.
 */
export async function lockPostsOfAccount(
  tx: Db,
  projectId: string,
  accountId: string,
): Promise<{ id: string; status: PostStatus }[] | null> {
  const account = await tx.rows('select id from accounts where id = $1 and project_id = $2 for update', [
    accountId,
    projectId,
  ])
  if (account.length === 0) return null
  return tx.rows(
    `select id, status from posts
     where id in (select post_id from targets where account_id = $1) and status <> 'processed'
     order by id for update`,
    [accountId],
  )
}

/** Takes an account out of every post; answers the posts that now have none. */
export async function dropTargets(tx: Db, accountId: string): Promise<string[]> {
  const rows = await tx.rows<{ post_id: string }>(
    `with gone as (delete from targets where account_id = $1 returning post_id)
     select post_id from gone
     where not exists (select 1 from targets t where t.post_id = gone.post_id and t.account_id <> $1)`,
    [accountId],
  )
  return rows.map((row) => row.post_id)
}

/** Posts that lost an account are another version now; a scheduled one among `emptied` goes back to `draft`. */
export async function postsLostAccount(
  tx: Db,
  posts: { ids: readonly string[]; emptied: readonly string[] },
  now: Date | null,
): Promise<{ id: string; status: PostStatus; version: number }[]> {
  return tx.rows(
    `update posts set version = version + 1, updated_at = coalesce($3, statement_timestamp()),
       status = case when status = 'scheduled' and id = any($2) then 'draft' else status end
     where id = any($1) and coalesce(status in ('draft', 'scheduled'), false)
     returning id, status, version`,
    [posts.ids, posts.emptied, now],
  )
}

/** Removes the account itself; its settled deliveries go with it. */
export async function deleteAccountRow(tx: Db, accountId: string): Promise<void> {
  await tx.rows('delete from accounts where id = $1', [accountId])
}

function contentParameters(draft: PostDraft): unknown[] {
  return [
    draft.externalId,
    draft.caption,
    JSON.stringify(draft.media),
    JSON.stringify(draft.platformConfigurations),
    JSON.stringify(draft.accountConfigurations),
  ]
}
