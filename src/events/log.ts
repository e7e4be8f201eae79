import type { BelfryEvent } from '../model/event.ts'
import type { Db } from '../storage/database.ts'
import { type EventCursor, readEventsAfter } from '../storage/events.ts'

/** Before the first event. */
export const beginning = '0-0'

/** A page of the log, in order, and the cursor to go on from. */
export interface EventPage {
  events: BelfryEvent[]
  /** Opaque; the same as before when there was nothing new. */
  cursor: string
}

/**
 * Events after a cursor, at most `limit`. An event whose transaction has not ended hides everything begun after it,
 * so that a reader who goes on from the cursor misses none, however late it commits.
 * @param projectId null: of all projects
 * @returns null when the cursor is not one of ours
 */
export async function pullEvents(
  db: Db,
  projectId: string | null,
  cursor: string,
  limit: number,
): Promise<EventPage | null> {
  const after = parseCursor(cursor)
  if (!after) return null
  const rows = await readEventsAfter(db, projectId, after, limit)
  const last = rows.at(-1)
  return { events: rows.map(({ xid: _, ...event }) => event), cursor: last ? `${last.xid}-${last.seq}` : cursor }
}

function parseCursor(text: string): EventCursor | null {
  const [, xid, seq] = /^(\d{1,19})-(\d{1,15})$/.exec(text) ?? []
  return xid === undefined ? null : { xid, seq: Number(seq) }
}
