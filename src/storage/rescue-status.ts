/** Deliveries whose worker is gone. Called from lifecycle/ alone. */
import type { CommitMark } from '../model/delivery.ts'
import type { MediaItem } from '../model/post.ts'
import type { Db } from './database.ts'

/** A delivery whose lease ran out, locked by the caller's transaction. */
export interface DeadHold {
  id: string
  postId: string
  fence: number
  state: 'sending' | 'unsure'
  mark: CommitMark | null
  deadClaims: number
  alone: boolean
  media: MediaItem[]
}

/** Locks up to `limit` deliveries whose lease ran out. */
export async function lockDead(tx: Db, limit: number): Promise<DeadHold[]> {
  return tx.rows(
    `select d.id, d.post_id as "postId", d.fence, d.state, d.mark, d.dead_claims as "deadClaims", d.alone, p.media
     from deliveries d join posts p on p.id = d.post_id
     where d.id in (
       select id from deliveries where state = 'sending' and lease_until < statement_timestamp()
       union all
       select id from deliveries where state = 'unsure' and lease_until < statement_timestamp()
     ) and d.lease_until < statement_timestamp()
     order by d.lease_until limit $1 for update of d skip locked`,
    [limit],
  )
}

export interface Rescue {
  id: string
  fence: number
  to: 'waiting' | 'unsure'
  readyInMs: number
  reason: string
}

/** Frees dead deliveries: the old worker's fence no longer counts, and the death is counted and remembered. */
export async function freeDead(tx: Db, rescues: readonly Rescue[], now: Date | null): Promise<string[]> {
  const rows = await tx.rows<{ id: string }>(
    `with moment as (select coalesce($6::timestamptz, statement_timestamp()) as at),
     freed as (
       update deliveries d set state = step.state, fence = d.fence + 1, dead_claims = d.dead_claims + 1,
         alone = d.dead_claims >= 1, ready_at = at + make_interval(secs => step.ready_in_ms / 1000.0), lease_until = null
       from moment, unnest($1::text[], $2::bigint[], $3::text[], $4::float8[], $5::text[])
         as step (id, fence, state, ready_in_ms, reason)
       where d.id = step.id and d.fence = step.fence and d.state in ('sending', 'unsure')
       returning d.id, d.project_id, d.post_id, d.account_id, d.state, d.looks, d.begun_at, d.worker, step.reason
     ),
     history as (
       insert into attempts (delivery_id, number, kind, begun_at, ended_at, worker, outcome, reason)
       select id, (select coalesce(max(number), 0) + 1 from attempts a where a.delivery_id = freed.id),
         case when state = 'unsure' and looks > 0 then 'look' else 'publish' end, coalesce(begun_at, at), at, worker,
         'lost', reason
       from freed, moment
     ),
     event as (
       insert into events (project_id, type, post_id, account_id, delivery_id, data, created_at)
       select project_id, 'social.post.delivery.unsure', post_id, account_id, id, jsonb_build_object('reason', reason), at
       from freed, moment where state = 'unsure' and looks = 0
     )
     select id from freed`,
    [
      rescues.map((rescue) => rescue.id),
      rescues.map((rescue) => rescue.fence),
      rescues.map((rescue) => rescue.to),
      rescues.map((rescue) => rescue.readyInMs),
      rescues.map((rescue) => rescue.reason),
      now,
    ],
  )
  return rows.map((row) => row.id)
}

/** Voids every lease: for the start on a database that no other process can be using. Answers how many there were. */
export async function voidLeases(db: Db): Promise<number> {
  const rows = await db.rows(
    `update deliveries set lease_until = statement_timestamp() - interval '1 ms'
     where id in (
       select id from deliveries where state = 'sending'
       union all
       select id from deliveries where state = 'unsure' and lease_until is not null
     ) returning id`,
  )
  await db.rows('update accounts set refresh_lease_until = null where refresh_lease_until is not null')
  return rows.length
}
