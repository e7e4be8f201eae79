import type { BelfryEvent, EventType } from '../model/event.ts'
import type { JsonObject } from '../model/platform.ts'
import type { Db } from './database.ts'
import { storableJson } from './storable.ts'

export interface NewEvent {
  projectId: string
  type: EventType
  postId?: string
  accountId?: string
  deliveryId?: string
  /** Small facts; a full snapshot only of what is gone afterwards. Never a secret. */
  data?: JsonObject
}

/** Writes these events, in this order, in the caller's transaction. */
export async function appendEvents(tx: Db, events: readonly NewEvent[], now: Date | null): Promise<void> {
  if (events.length === 0) return
  await tx.rows(
    `insert into events (project_id, type, post_id, account_id, delivery_id, data, created_at)
     select project_id, type, post_id, account_id, delivery_id, data, coalesce($7, statement_timestamp())
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[])
       with ordinality as event (project_id, type, post_id, account_id, delivery_id, data, n)
     order by n`,
    [
      events.map((event) => event.projectId),
      events.map((event) => event.type),
      events.map((event) => event.postId ?? null),
      events.map((event) => event.accountId ?? null),
      events.map((event) => event.deliveryId ?? null),
      events.map((event) => storableJson(event.data ?? {})),
      now,
    ],
  )
}

/** A place in the log: transaction, then sequence. */
export interface EventCursor {
  xid: string
  seq: number
}

/**
 * Events after a place, in the order (xid, seq), and only those below the oldest transaction that still runs: what
 * commits later can then only come after what was read.
 */
export async function readEventsAfter(
  db: Db,
  projectId: string | null,
  after: EventCursor,
  limit: number,
): Promise<(BelfryEvent & { xid: string })[]> {
  return db.rows(
    `select xid::text as xid, seq, project_id as "projectId", type, post_id as "postId", account_id as "accountId",
       delivery_id as "deliveryId", data, created_at as "createdAt"
     from events
     where (xid, seq) > ($2::text::xid8, $3::bigint) and xid < pg_snapshot_xmin(pg_current_snapshot())
       and ($1::text is null or project_id = $1)
     order by events.xid, seq limit $4`,
    [projectId, after.xid, after.seq, limit],
  )
}
