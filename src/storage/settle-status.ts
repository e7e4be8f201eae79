/** How deliveries end. Called from lifecycle/ alone. */
import type { JsonObject } from '../model/platform.ts'
import type { MediaItem } from '../model/post.ts'
import type { Db } from './database.ts'
import { type AttemptRecord, type Hold, holdParameters } from './delivery-status.ts'
import { storableJson, storableText } from './storable.ts'

/** The end of a delivery: the public post result. */
export interface Settlement extends Hold {
  postId: string
  outcome: 'published' | 'failed' | 'unknown'
  /** A sentence for a person. */
  error: string | null
  code: string | null
  /** Without secrets. */
  details: JsonObject | null
  platformData: { id?: string; url?: string }
  /** The media used, with the addresses that the caller gave. */
  media: MediaItem[]
  attempt: AttemptRecord | null
}

export interface Settled {
  id: string
  /** Set when this was the post's last delivery: the post is `processed` now. */
  processedPostId: string | null
}

/**
 * Settles many deliveries in one statement: states, results, history, the posts' counters and statuses, and the events,
 * results before the post's own. Posts are locked in id order, so that two batches cannot wait for each other, and
 * each counter is read under its lock, so that two last settles cannot miss each other.
 * Answers what it settled; who is missing had lost the lease.
 *
 * @NOTE `coalesce(status = …, false)` keeps the planner from looking for the posts by their status: while ten thousand
 * are \`processing\` that was 1 ms for each delivery.
 */
export async function settleDeliveries(db: Db, ends: readonly Settlement[], now: Date | null): Promise<Settled[]> {
  return db.rows<Settled>(
    `with moment as (select coalesce($11::timestamptz, statement_timestamp()) as at),
     step as (
       select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::jsonb[],
         $8::jsonb[], $9::jsonb[]) as s (id, fence, outcome, error, code, details, platform_data, media, attempt)
     ),
     locked as materialized (
       select id from posts where id = any($10) order by id for no key update
     ),
     settled as (
       update deliveries d set state = case step.outcome when 'published' then 'published' else 'failed' end,
         outcome = step.outcome, error = step.error, code = step.code, details = step.details,
         platform_data = step.platform_data, media = step.media, settled_at = at, lease_until = null
       from step, moment, locked
       where d.id = step.id and d.fence = step.fence and d.state in ('sending', 'unsure') and d.lease_until is not null
         and d.post_id = locked.id
       returning d.id, d.post_id, d.project_id, d.account_id, d.outcome, d.begun_at, d.worker, step.attempt
     ),
     done as (
       update posts p set open_deliveries = p.open_deliveries - ended.count,
         status = case when p.open_deliveries = ended.count then 'processed' else p.status end,
         version = p.version + case when p.open_deliveries = ended.count then 1 else 0 end, updated_at = at
       from (select post_id, count(*)::integer as count from settled group by post_id) ended, moment
       where p.id = ended.post_id and coalesce(p.status = 'processing', false)
       returning p.id, p.project_id, p.status
     ),
     history as (
       insert into attempts (delivery_id, number, kind, begun_at, ended_at, worker, outcome, reason)
       select id, (select coalesce(max(number), 0) + 1 from attempts a where a.delivery_id = settled.id),
         attempt ->> 'kind', coalesce(begun_at, at), at, worker, attempt ->> 'outcome', attempt ->> 'reason'
       from settled, moment where attempt is not null
     ),
     event as (
       insert into events (project_id, type, post_id, account_id, delivery_id, data, created_at)
       select project_id, type, post_id, account_id, delivery_id, data, at
       from (
         select 1 as part, project_id, 'social.post.result.created' as type, post_id, account_id, id as delivery_id,
           jsonb_build_object('outcome', outcome) as data
         from settled
         union all
         select 2, project_id, 'social.post.updated', id, null, null, jsonb_build_object('status', status)
         from done where status = 'processed'
       ) told, moment
       order by part, post_id, delivery_id
     )
     select settled.id, done.id as "processedPostId"
     from settled left join done on done.id = settled.post_id and done.status = 'processed'`,
    [
      ...holdParameters(ends),
      ends.map((end) => end.outcome),
      ends.map((end) => storableText(end.error)),
      ends.map((end) => end.code),
      ends.map((end) => storableJson(end.details)),
      ends.map((end) => storableJson(end.platformData)),
      ends.map((end) => storableJson(end.media)),
      ends.map((end) => storableJson(end.attempt)),
      ends.map((end) => end.postId),
      now,
    ],
  )
}

/**
 * Marks an account whose login no longer works; answers true when it worked until now. Not one that was connected
 * anew since: it is another login than the one (`sealed`) that the platform refused.
 */
export async function markNeedsReconnect(
  tx: Db,
  account: { id: string; reason: string; sealed: Buffer | null },
  now: Date | null,
): Promise<boolean> {
  const rows = await tx.rows(
    `update accounts set needs_reconnect = $2, updated_at = coalesce($3, statement_timestamp())
     where id = $1 and needs_reconnect is null and sealed = $4 returning id`,
    [account.id, storableText(account.reason), now, account.sealed],
  )
  return rows.length > 0
}
