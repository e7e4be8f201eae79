/** Tokens of accounts at rest, and the short lease under which one worker refreshes them. */
import type { AccountFacts } from '../model/account.ts'
import type { Db } from './database.ts'

export interface SealedTokens {
  /** Encrypted; null: disconnected. */
  sealed: Buffer | null
  accessTokenExpiresAt: Date
  username: string | null
  facts: AccountFacts
}

/** Takes the right to refresh this account's tokens for `leaseMs`; null while someone else has it. */
export async function takeRefreshLease(
  db: Db,
  accountId: string,
  leaseMs: number,
): Promise<(SealedTokens & { fence: number }) | null> {
  const rows = await db.rows<SealedTokens & { fence: number }>(
    `update accounts set refresh_fence = refresh_fence + 1,
       refresh_lease_until = statement_timestamp() + make_interval(secs => $2 / 1000.0)
     where id = $1 and (refresh_lease_until is null or refresh_lease_until < statement_timestamp())
     returning refresh_fence as fence, sealed, access_token_expires_at as "accessTokenExpiresAt", username, facts`,
    [accountId, leaseMs],
  )
  return rows[0] ?? null
}

/** Stores refreshed tokens and gives the lease back; false if the lease was lost or the account was changed meanwhile. */
export async function storeRefreshed(
  db: Db,
  account: {
    id: string
    fence: number
    /** What was refreshed: tokens that were connected or disconnected since are not overwritten. */
    before: Buffer
    sealed: Buffer
    accessTokenExpiresAt: Date
    refreshTokenExpiresAt: Date | null
    username: string | null
    facts: AccountFacts
  },
  now: Date | null,
): Promise<boolean> {
  const rows = await db.rows(
    `update accounts set sealed = $3, access_token_expires_at = $4, refresh_token_expires_at = $5,
       username = coalesce($6, username), facts = facts || $7::jsonb, refresh_lease_until = null, needs_reconnect = null,
       updated_at = coalesce($9, statement_timestamp())
     where id = $1 and refresh_fence = $2 and sealed = $8
     returning id`,
    [
      account.id,
      account.fence,
      account.sealed,
      account.accessTokenExpiresAt,
      account.refreshTokenExpiresAt,
      account.username,
      JSON.stringify(account.facts),
      account.before,
      now,
    ],
  )
  return rows.length > 0
}

/** Gives the lease back without new tokens. */
export async function dropRefreshLease(db: Db, accountId: string, fence: number): Promise<void> {
  await db.rows('update accounts set refresh_lease_until = null where id = $1 and refresh_fence = $2', [
    accountId,
    fence,
  ])
}

/** The tokens as they are now; null if the account is gone. */
export async function readSealedTokens(db: Db, accountId: string): Promise<SealedTokens | null> {
  const rows = await db.rows<SealedTokens>(
    `select sealed, access_token_expires_at as "accessTokenExpiresAt", username, facts from accounts where id = $1`,
    [accountId],
  )
  return rows[0] ?? null
}
