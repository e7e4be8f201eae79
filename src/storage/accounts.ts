import type { Account } from '../model/account.ts'
import type { JsonObject, PlatformName } from '../model/platform.ts'
import type { Db } from './database.ts'

/** The columns that `accountFromRow` reads; `a` is the accounts table. Never the credentials. */
export const accountColumns = `a.id, a.project_id, a.platform, a.user_id, a.username, a.profile_photo_url, a.external_id,
  a.metadata, a.facts, a.origin, a.sealed is not null as connected, a.needs_reconnect, a.access_token_expires_at,
  a.refresh_token_expires_at, a.created_at, a.updated_at`

export interface AccountRow {
  id: string
  project_id: string
  platform: PlatformName
  user_id: string
  username: string | null
  profile_photo_url: string | null
  external_id: string | null
  metadata: JsonObject | null
  facts: JsonObject
  origin: string
  connected: boolean
  needs_reconnect: string | null
  access_token_expires_at: Date
  refresh_token_expires_at: Date | null
  created_at: Date
  updated_at: Date
}

export function accountFromRow(row: AccountRow): Account {
  return {
    id: row.id,
    projectId: row.project_id,
    platform: row.platform,
    userId: row.user_id,
    username: row.username,
    profilePhotoUrl: row.profile_photo_url,
    externalId: row.external_id,
    metadata: row.metadata,
    facts: row.facts,
    origin: row.origin,
    connected: row.connected,
    needsReconnect: row.needs_reconnect,
    accessTokenExpiresAt: row.access_token_expires_at,
    refreshTokenExpiresAt: row.refresh_token_expires_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** An account with its encrypted credentials; null when disconnected. */
export interface SealedAccount {
  account: Account
  sealed: Buffer | null
}

type SealedRow = AccountRow & { sealed: Buffer | null }

function sealedFromRow(row: SealedRow): SealedAccount {
  return { account: accountFromRow(row), sealed: row.sealed }
}

export async function readAccount(db: Db, projectId: string, id: string): Promise<SealedAccount | null> {
  const rows = await db.rows<SealedRow>(
    `select ${accountColumns}, a.sealed from accounts a where a.id = $1 and a.project_id = $2`,
    [id, projectId],
  )
  return rows[0] ? sealedFromRow(rows[0]) : null
}

/** The account of this person or page on this platform, if it was ever connected. */
export async function readAccountOf(
  db: Db,
  of: { projectId: string; platform: PlatformName; userId: string },
): Promise<SealedAccount | null> {
  const rows = await db.rows<SealedRow>(
    `select ${accountColumns}, a.sealed from accounts a where a.project_id = $1 and a.platform = $2 and a.user_id = $3`,
    [of.projectId, of.platform, of.userId],
  )
  return rows[0] ? sealedFromRow(rows[0]) : null
}

/** As readAccountOf, and holds it until the transaction ends. */
export async function lockAccountOf(
  tx: Db,
  of: { projectId: string; platform: PlatformName; userId: string },
): Promise<SealedAccount | null> {
  const rows = await tx.rows<SealedRow>(
    `select ${accountColumns}, a.sealed from accounts a
     where a.project_id = $1 and a.platform = $2 and a.user_id = $3 for update`,
    [of.projectId, of.platform, of.userId],
  )
  return rows[0] ? sealedFromRow(rows[0]) : null
}

/** Those of these accounts that the project has, in no order. */
export async function readAccounts(db: Db, projectId: string, ids: readonly string[]): Promise<Account[]> {
  const rows = await db.rows<AccountRow>(
    `select ${accountColumns} from accounts a where a.project_id = $1 and a.id = any($2)`,
    [projectId, ids],
  )
  return rows.map(accountFromRow)
}

/**
 * As readAccounts, and none of them can be deleted before the transaction ends: a post may target them.
 * In id order, so that two writers never wait for each other.
 */
export async function holdAccounts(tx: Db, projectId: string, ids: readonly string[]): Promise<Account[]> {
  const rows = await tx.rows<AccountRow>(
    `select ${accountColumns} from accounts a where a.project_id = $1 and a.id = any($2) order by a.id for key share`,
    [projectId, ids],
  )
  return rows.map(accountFromRow)
}

/** The accounts of each of these posts, in request order. Accounts that were deleted are gone. */
export async function readAccountsOfPosts(db: Db, postIds: readonly string[]): Promise<Map<string, Account[]>> {
  const rows = await db.rows<AccountRow & { post_id: string }>(
    `select t.post_id, ${accountColumns} from targets t join accounts a on a.id = t.account_id
     where t.post_id = any($1) order by t.post_id, t.position`,
    [postIds],
  )
  const byPost = new Map<string, Account[]>(postIds.map((id) => [id, []]))
  for (const row of rows) byPost.get(row.post_id)?.push(accountFromRow(row))
  return byPost
}

/** Everything of an account that connecting it writes. */
export interface AccountWrite {
  id: string
  projectId: string
  platform: PlatformName
  userId: string
  username: string | null
  profilePhotoUrl: string | null
  externalId: string | null
  metadata: JsonObject | null
  facts: JsonObject
  origin: string
  sealed: Buffer
  accessTokenExpiresAt: Date
  refreshTokenExpiresAt: Date | null
}

/** Inserts an account; null when the project already has this platform's `userId`. */
export async function insertAccount(tx: Db, account: AccountWrite, now: Date | null): Promise<Account | null> {
  const rows = await tx.rows<AccountRow>(
    `insert into accounts as a (id, project_id, platform, user_id, username, profile_photo_url, external_id, metadata,
       facts, origin, sealed, access_token_expires_at, refresh_token_expires_at, created_at, updated_at)
     select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, at, at
     from coalesce($14::timestamptz, statement_timestamp()) as at
     on conflict (project_id, platform, user_id) do nothing
     returning ${accountColumns}`,
    [...accountParameters(account), now],
  )
  return rows[0] ? accountFromRow(rows[0]) : null
}

/** Connects an account again. A refresh that is under way loses: its fence is old. */
export async function reconnectAccount(tx: Db, account: AccountWrite, now: Date | null): Promise<Account> {
  const rows = await tx.rows<AccountRow>(
    `update accounts as a set username = $5, profile_photo_url = $6, external_id = $7, metadata = $8, facts = $9,
       origin = $10, sealed = $11, access_token_expires_at = $12, refresh_token_expires_at = $13, needs_reconnect = null,
       refresh_lease_until = null, refresh_fence = refresh_fence + 1, updated_at = coalesce($14, statement_timestamp())
     where id = $1 and project_id = $2 and platform = $3 and user_id = $4
     returning ${accountColumns}`,
    [...accountParameters(account), now],
  )
  return accountFromRow(rows[0]!)
}

function accountParameters(account: AccountWrite): unknown[] {
  return [
    account.id,
    account.projectId,
    account.platform,
    account.userId,
    account.username,
    account.profilePhotoUrl,
    account.externalId,
    account.metadata === null ? null : JSON.stringify(account.metadata),
    JSON.stringify(account.facts),
    account.origin,
    account.sealed,
    account.accessTokenExpiresAt,
    account.refreshTokenExpiresAt,
  ]
}

/** Changes what the caller may change; undefined stays. Null if there is no such account. */
export async function updateAccount(
  tx: Db,
  account: { id: string; projectId: string; username?: string | null; externalId?: string | null },
  now: Date | null,
): Promise<SealedAccount | null> {
  const rows = await tx.rows<SealedRow>(
    `update accounts as a set username = case when $3 then $4 else username end,
       external_id = case when $5 then $6 else external_id end, updated_at = coalesce($7, statement_timestamp())
     where id = $1 and project_id = $2
     returning ${accountColumns}, a.sealed`,
    [
      account.id,
      account.projectId,
      account.username !== undefined,
      account.username ?? null,
      account.externalId !== undefined,
      account.externalId ?? null,
      now,
    ],
  )
  return rows[0] ? sealedFromRow(rows[0]) : null
}

/** Forgets the credentials and keeps the record. A refresh that is under way loses. */
export async function disconnectAccount(
  tx: Db,
  projectId: string,
  id: string,
  now: Date | null,
): Promise<Account | null> {
  const rows = await tx.rows<AccountRow>(
    `update accounts as a set sealed = null, needs_reconnect = null, refresh_lease_until = null,
       refresh_fence = refresh_fence + 1, updated_at = coalesce($3, statement_timestamp())
     where id = $1 and project_id = $2
     returning ${accountColumns}`,
    [id, projectId, now],
  )
  return rows[0] ? accountFromRow(rows[0]) : null
}
