import type { EventType } from '../model/event.ts'
import type { JsonObject } from '../model/platform.ts'
import type { Db } from './database.ts'

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
      events.map((event) => JSON.stringify(event.data ?? {})),
      now,
    ],
  )
}
