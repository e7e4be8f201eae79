import type { Account } from '../model/account.ts'
import { type AccountRow, accountColumns, accountFromRow } from './accounts.ts'
import type { Db } from './database.ts'

/** Null is no filter; inside one list any value matches. */
export interface AccountFilter {
  projectId: string
  ids: readonly string[] | null
  /** The accounts that the key may see; null: all. */
  allowedIds: readonly string[] | null
  platforms: readonly string[] | null
  usernames: readonly string[] | null
  externalIds: readonly string[] | null
  connected: boolean | null
}

export interface SealedListed {
  account: Account
  sealed: Buffer | null
}

/** A page of accounts, newest first. */
export async function listAccounts(
  db: Db,
  filter: AccountFilter,
  page: { limit: number; offset: number },
): Promise<SealedListed[]> {
  const rows = await db.rows<AccountRow & { sealed: Buffer | null }>(
    `select ${accountColumns}, a.sealed from accounts a
     where a.project_id = $1
       and ($2::text[] is null or a.id = any($2))
       and ($3::text[] is null or a.id = any($3))
       and ($4::text[] is null or a.platform = any($4))
       and ($5::text[] is null or a.username = any($5))
       and ($6::text[] is null or a.external_id = any($6))
       and ($7::boolean is null or (a.sealed is not null) = $7)
     order by a.created_at desc, a.id desc limit $8 offset $9`,
    [...filterParameters(filter), page.limit, page.offset],
  )
  return rows.map((row) => ({ account: accountFromRow(row), sealed: row.sealed }))
}

export async function countAccounts(db: Db, filter: AccountFilter): Promise<number> {
  const rows = await db.rows<{ total: number }>(
    `select count(*) as total from accounts a
     where a.project_id = $1
       and ($2::text[] is null or a.id = any($2))
       and ($3::text[] is null or a.id = any($3))
       and ($4::text[] is null or a.platform = any($4))
       and ($5::text[] is null or a.username = any($5))
       and ($6::text[] is null or a.external_id = any($6))
       and ($7::boolean is null or (a.sealed is not null) = $7)`,
    filterParameters(filter),
  )
  return rows[0]!.total
}

function filterParameters(filter: AccountFilter): unknown[] {
  const { projectId, ids, allowedIds, platforms, usernames, externalIds, connected } = filter
  return [projectId, ids, allowedIds, platforms, usernames, externalIds, connected]
}
