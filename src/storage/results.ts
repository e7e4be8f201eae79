import type { PostResult } from '../model/delivery.ts'
import type { JsonObject } from '../model/platform.ts'
import type { MediaItem } from '../model/post.ts'
import { redact, redactText } from '../runtime/redact.ts'
import type { Db } from './database.ts'

export const resultColumns = `d.id, d.post_id, d.account_id, d.outcome, d.error, d.code, d.details, d.platform_data,
  d.media, d.settled_at`

export interface ResultRow {
  id: string
  post_id: string
  account_id: string
  outcome: PostResult['outcome']
  error: string | null
  code: string | null
  details: JsonObject | null
  platform_data: { id?: string | null; url?: string | null } | null
  media: MediaItem[] | null
  settled_at: Date
}

/** A settled delivery as a result. Whatever stored it, no secret gets past here. */
export function resultFromRow(row: ResultRow): PostResult {
  const { id, url } = row.platform_data ?? {}
  return {
    id: row.id,
    postId: row.post_id,
    accountId: row.account_id,
    outcome: row.outcome,
    error: row.error === null ? null : redactText(row.error),
    code: row.code,
    details: redact(row.details) as JsonObject | null,
    platformData: { ...(id ? { id } : {}), ...(url ? { url } : {}) },
    media: row.media ?? [],
    settledAt: row.settled_at,
  }
}

/** Null is no filter; inside one list any value matches. */
export interface ResultFilter {
  projectId: string
  postIds: readonly string[] | null
  platforms: readonly string[] | null
  accountIds: readonly string[] | null
  /** The accounts that the key may see; null: all. */
  allowedIds: readonly string[] | null
}

export async function readResult(db: Db, projectId: string, id: string): Promise<PostResult | null> {
  const rows = await db.rows<ResultRow>(
    `select ${resultColumns} from deliveries d where d.id = $1 and d.project_id = $2 and d.settled_at is not null`,
    [id, projectId],
  )
  return rows[0] ? resultFromRow(rows[0]) : null
}

/**
 * A page of results, the last settled first. Results of one post have a statement of their own: it finds them by
 * post, where the general one walks the project's results in order.
 */
export async function listResults(
  db: Db,
  filter: ResultFilter,
  page: { limit: number; offset: number },
): Promise<{ results: PostResult[]; total: number }> {
  const { projectId, postIds, platforms, accountIds, allowedIds } = filter
  if (postIds) {
    const parameters = [projectId, postIds, platforms, accountIds, allowedIds]
    const rows = db.rows<ResultRow>(
      `select ${resultColumns} from deliveries d
       where d.post_id = any($2) and d.project_id = $1 and d.settled_at is not null
         and ($3::text[] is null or d.platform = any($3))
         and ($4::text[] is null or d.account_id = any($4))
         and ($5::text[] is null or d.account_id = any($5))
       order by d.settled_at desc, d.id desc limit $6 offset $7`,
      [...parameters, page.limit, page.offset],
    )
    const totals = db.rows<{ total: number }>(
      `select count(*) as total from deliveries d
       where d.post_id = any($2) and d.project_id = $1 and d.settled_at is not null
         and ($3::text[] is null or d.platform = any($3))
         and ($4::text[] is null or d.account_id = any($4))
         and ($5::text[] is null or d.account_id = any($5))`,
      parameters,
    )
    return joined(rows, totals)
  }
  const parameters = [projectId, platforms, accountIds, allowedIds]
  const rows = db.rows<ResultRow>(
    `select ${resultColumns} from deliveries d
     where d.project_id = $1 and d.settled_at is not null
       and ($2::text[] is null or d.platform = any($2))
       and ($3::text[] is null or d.account_id = any($3))
       and ($4::text[] is null or d.account_id = any($4))
     order by d.settled_at desc, d.id desc limit $5 offset $6`,
    [...parameters, page.limit, page.offset],
  )
  const totals = db.rows<{ total: number }>(
    `select count(*) as total from deliveries d
     where d.project_id = $1 and d.settled_at is not null
       and ($2::text[] is null or d.platform = any($2))
       and ($3::text[] is null or d.account_id = any($3))
       and ($4::text[] is null or d.account_id = any($4))`,
    parameters,
  )
  return joined(rows, totals)
}

async function joined(
  rows: Promise<ResultRow[]>,
  totals: Promise<{ total: number }[]>,
): Promise<{ results: PostResult[]; total: number }> {
  const [found, counted] = await Promise.all([rows, totals])
  return { results: found.map(resultFromRow), total: counted[0]!.total }
}
