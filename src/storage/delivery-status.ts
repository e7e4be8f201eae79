/**
 * Every statement that writes a delivery's state. Each takes a batch, checks state and fence (the lease's token) and
 * answers what it changed; what is missing in the answer was taken over by someone else. Called from lifecycle/ alone.
 *
 * Leases run on the database's real clock even while tests move Belfry's: they ask whether a process lives.
 */
import type { Checkpoint, CommitMark, HeldDelivery } from '../model/delivery.ts'
import type { Db } from './database.ts'
import { type HeldRow, heldColumns, heldFromRow } from './held-deliveries.ts'
import { storableJson } from './storable.ts'

/** Who takes how many, for how long. */
export interface Take {
  worker: string
  limit: number
  /** In milliseconds, without renewal. */
  leaseMs: number
  now: Date | null
}

/** How every statement that takes `chosen` deliveries `d` goes on: the lease, and all that an attempt needs. */
const underLease = `worker = $1,
       lease_until = statement_timestamp() + make_interval(secs => $3 / 1000.0),
       begun_at = coalesce($4, statement_timestamp())
     from chosen, posts p, accounts a, projects r
     where d.id = chosen.id and p.id = d.post_id and a.id = d.account_id and r.id = d.project_id
     returning ${heldColumns}`

function takeParameters(order: Take): unknown[] {
  return [order.worker, order.limit, order.leaseMs, order.now]
}

/**
 * Takes up to `limit` waiting deliveries under a lease: per account the first that is ready (by due time, then id),
 * and only where none of that account is being sent; projects take turns. A loose index scan finds each account's
 * head, so the cost follows the accounts that have something waiting, not how much waits.
 * @throws a unique violation (23505) when another process took the same account between the look and the write: try again
 */
export async function takeWaiting(db: Db, order: Take): Promise<HeldDelivery[]> {
  const rows = await db.rows<HeldRow>(
    `with recursive head as (
       (select account_id from deliveries where state = 'waiting' order by account_id limit 1)
       union all
       select (select d.account_id from deliveries d
               where d.state = 'waiting' and d.account_id > head.account_id order by d.account_id limit 1)
       from head where head.account_id is not null
     ),
     candidate as (
       select first.id, first.due_at,
         row_number() over (partition by first.project_id order by first.due_at, first.id) as turn
       from head
       cross join lateral (
         select id, project_id, due_at from deliveries
         where state = 'waiting' and account_id = head.account_id and not alone
           and ready_at <= coalesce($4, statement_timestamp())
         order by due_at, id limit 1
       ) first
       where not exists (select 1 from deliveries s where s.state = 'sending' and s.account_id = head.account_id)
     ),
     chosen as (
       select id from deliveries
       where state = 'waiting' and id in (select id from candidate order by turn, due_at, id limit $2)
       for update skip locked
     )
     update deliveries d set state = 'sending', fence = d.fence + 1, tries = d.tries + 1, ${underLease}`,
    takeParameters(order),
  )
  return rows.map(heldFromRow)
}

/** Takes up to `limit` unsure deliveries for a look; they stay `unsure` under the lease. */
export async function takeUnsure(db: Db, order: Take): Promise<HeldDelivery[]> {
  const rows = await db.rows<HeldRow>(
    `with chosen as (
       select id from deliveries
       where state = 'unsure' and lease_until is null and not alone
         and ready_at <= coalesce($4, statement_timestamp())
       order by ready_at, id limit $2 for update skip locked
     )
     update deliveries d set fence = d.fence + 1, looks = d.looks + 1, ${underLease}`,
    takeParameters(order),
  )
  return rows.map(heldFromRow)
}

/** Takes one delivery that must run alone, waiting or unsure. The caller runs nothing else meanwhile. */
export async function takeAlone(db: Db, order: Omit<Take, 'limit'>): Promise<HeldDelivery | null> {
  const rows = await db.rows<HeldRow>(
    `with chosen as (
       select id from deliveries c
       where alone and state in ('waiting', 'unsure') and lease_until is null
         and ready_at <= coalesce($4, statement_timestamp())
         and not exists (select 1 from deliveries s where s.state = 'sending' and s.account_id = c.account_id)
       order by ready_at, id limit $2 for update skip locked
     )
     update deliveries d set state = case d.state when 'waiting' then 'sending' else d.state end, fence = d.fence + 1,
       tries = d.tries + case d.state when 'waiting' then 1 else 0 end,
       looks = d.looks + case d.state when 'waiting' then 0 else 1 end, ${underLease}`,
    takeParameters({ ...order, limit: 1 }),
  )
  return rows[0] ? heldFromRow(rows[0]) : null
}

/** True while a delivery that must run alone is ready. */
export async function hasAlone(db: Db, now: Date | null): Promise<boolean> {
  const rows = await db.rows(
    `select 1 from deliveries where alone and state in ('waiting', 'unsure') and lease_until is null
       and ready_at <= coalesce($1, statement_timestamp()) limit 1`,
    [now],
  )
  return rows.length > 0
}

/** Whose lease is meant. */
export interface Hold {
  id: string
  fence: number
}

/** Prolongs these leases; answers the ids that are still held. */
export async function renewLeases(db: Db, holds: readonly Hold[], leaseMs: number): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(
    `update deliveries d set lease_until = statement_timestamp() + make_interval(secs => $3 / 1000.0)
     from unnest($1::text[], $2::bigint[]) as hold (id, fence)
     where d.id = hold.id and d.fence = hold.fence and d.lease_until is not null
     returning d.id`,
    [...holdParameters(holds), leaseMs],
  )
  return rows.map((row) => row.id)
}

/** A commit mark, a checkpoint, or both; null keeps what is there. */
export interface Progress extends Hold {
  mark: CommitMark | null
  checkpoint: Checkpoint | null
}

/** Stores marks and checkpoints of many deliveries in one write; answers the ids that are still held. */
export async function storeProgress(db: Db, steps: readonly Progress[], leaseMs: number): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(
    `update deliveries d set mark = coalesce(step.mark, d.mark), checkpoint = coalesce(step.checkpoint, d.checkpoint),
       dead_claims = case when step.checkpoint is distinct from d.checkpoint and step.checkpoint is not null then 0
                          else d.dead_claims end,
       lease_until = statement_timestamp() + make_interval(secs => $5 / 1000.0)
     from unnest($1::text[], $2::bigint[], $3::jsonb[], $4::jsonb[]) as step (id, fence, mark, checkpoint)
     where d.id = step.id and d.fence = step.fence and d.lease_until is not null
     returning d.id`,
    [
      ...holdParameters(steps),
      steps.map((step) => storableJson(step.mark)),
      steps.map((step) => storableJson(step.checkpoint)),
      leaseMs,
    ],
  )
  return rows.map((row) => row.id)
}

/** A delivery that is put down without being settled. */
export interface PutDown extends Hold {
  to: 'waiting' | 'unsure'
  /** From now, in milliseconds. */
  readyInMs: number
  checkpoint: Checkpoint | null
  /** Certainly nothing is visible: the mark goes. */
  clearMark: boolean
  /** Cut off by a stop: this attempt does not count. */
  free: boolean
  attempt: AttemptRecord | null
}

/** One line of a delivery's history. */
export interface AttemptRecord {
  kind: 'publish' | 'look'
  outcome: string
  reason: string | null
}

/** Puts deliveries back to `waiting` or `unsure`; answers the ids that were still held. */
export async function putDown(db: Db, downs: readonly PutDown[], now: Date | null): Promise<string[]> {
  const rows = await db.rows<{ id: string }>(
    `with moment as (select coalesce($9::timestamptz, statement_timestamp()) as at),
     down as (
       update deliveries d set state = step.state, ready_at = at + make_interval(secs => step.ready_in_ms / 1000.0),
         checkpoint = coalesce(step.checkpoint, d.checkpoint), mark = case when step.clear_mark then null else d.mark end,
         tries = d.tries - case when step.free and d.state = 'sending' then 1 else 0 end,
         looks = case when step.state = 'waiting' then 0
                      else d.looks - case when step.free and d.state = 'unsure' then 1 else 0 end end,
         dead_claims = case when step.free then d.dead_claims else 0 end,
         alone = case when step.free then d.alone else false end, lease_until = null
       from moment, unnest($1::text[], $2::bigint[], $3::text[], $4::float8[], $5::jsonb[], $6::bool[], $7::bool[],
         $8::jsonb[]) as step (id, fence, state, ready_in_ms, checkpoint, clear_mark, free, attempt)
       where d.id = step.id and d.fence = step.fence and d.state in ('sending', 'unsure')
       returning d.id, d.project_id, d.post_id, d.account_id, d.state, d.tries, d.looks, d.begun_at, d.worker as worker_was, step.attempt
     ),
     history as (
       insert into attempts (delivery_id, number, kind, begun_at, ended_at, worker, outcome, reason)
       select id, (select coalesce(max(number), 0) + 1 from attempts a where a.delivery_id = id), attempt ->> 'kind',
         begun_at, at, worker_was, attempt ->> 'outcome', attempt ->> 'reason'
       from down, moment where attempt is not null
     ),
     event as (
       insert into events (project_id, type, post_id, account_id, delivery_id, data, created_at)
       select project_id, 'social.post.delivery.unsure', post_id, account_id, id,
         jsonb_build_object('reason', attempt ->> 'reason'), at
       from down, moment where state = 'unsure' and looks = 0
     )
     select id from down`,
    [
      ...holdParameters(downs),
      downs.map((down) => down.to),
      downs.map((down) => down.readyInMs),
      downs.map((down) => storableJson(down.checkpoint)),
      downs.map((down) => down.clearMark),
      downs.map((down) => down.free),
      downs.map((down) => storableJson(down.attempt)),
      now,
    ],
  )
  return rows.map((row) => row.id)
}

/** A batch of holds as the first two parameters. */
export function holdParameters(holds: readonly Hold[]): [string[], number[]] {
  return [holds.map((hold) => hold.id), holds.map((hold) => hold.fence)]
}
