/** A fresh token for an account, refreshed by one worker at a time: platforms that rotate refresh tokens lose one otherwise. */
import type { Credentials } from '../model/account.ts'
import type { PublishingAccount } from '../model/delivery.ts'
import type { ConnectTools, Platform } from '../platforms/platform.ts'
import { monotonicMs } from '../runtime/clock.ts'
import { sleep } from '../runtime/timer.ts'
import type { Vault } from '../security/vault.ts'
import {
  dropRefreshLease,
  readSealedTokens,
  type SealedTokens,
  storeRefreshed,
  takeRefreshLease,
} from '../storage/account-tokens.ts'
import { type Db, isTransient } from '../storage/database.ts'

/** A token that ends sooner than this is refreshed before use, in milliseconds. */
const spareMs = 60_000
/** Longest time one refresh may take, in milliseconds; its lease ends then. */
const refreshLeaseMs = 30_000
/** How long a worker waits for another one's refresh, in milliseconds, and how often it looks. */
const waitMs = 35_000
const lookMs = 150
/** Between two tries to store new tokens while the database is away, in milliseconds. */
const awayMs = 300

export interface TokenTools extends ConnectTools {
  db: Db
  vault: Vault
}

export type Fresh =
  | { kind: 'fresh'; account: PublishingAccount; sealed: Buffer }
  | { kind: 'retry'; reason: string; afterMs?: number }
  | { kind: 'reconnect'; message: string }
  | { kind: 'disconnected' }

/** Tokens as they were read with the delivery. */
export interface StoredAccount {
  id: string
  userId: string
  sealed: Buffer
  username: string | null
  facts: PublishingAccount['facts']
  accessTokenExpiresAt: Date
}

/** The account ready for use; refreshes first when its token ends within a minute. */
export async function freshAccount(platform: Platform, stored: StoredAccount, tools: TokenTools): Promise<Fresh> {
  const credentials = open(stored.sealed, stored.id, tools.vault)
  const expiresAt = platform.expiresAt(credentials, stored.accessTokenExpiresAt)
  if (!expiresAt || expiresAt.getTime() - tools.clock.nowMs() > spareMs) {
    return { kind: 'fresh', account: publishing(stored, credentials), sealed: stored.sealed }
  }
  return refreshAccount(platform, stored, tools)
}

/**
 * New tokens, whatever the old ones say of themselves. Whoever comes second waits for the first one's result:
 * tokens that are no longer the ones in `stored` count as refreshed.
 */
export async function refreshAccount(platform: Platform, stored: StoredAccount, tools: TokenTools): Promise<Fresh> {
  const giveUpAt = monotonicMs() + waitMs
  while (!tools.signal.aborted) {
    const lease = await takeRefreshLease(tools.db, stored.id, refreshLeaseMs)
    if (lease) return refreshUnderLease(platform, stored, lease, tools)
    if (monotonicMs() > giveUpAt) break
    await sleep(lookMs, tools.signal)
    const there = await readSealedTokens(tools.db, stored.id)
    if (!there?.sealed) return { kind: 'disconnected' }
    if (!there.sealed.equals(stored.sealed)) return reread(stored, there, there.sealed, tools)
  }
  return { kind: 'retry', reason: 'Another refresh of this account’s login has not ended.' }
}

async function refreshUnderLease(
  platform: Platform,
  stored: StoredAccount,
  lease: SealedTokens & { fence: number },
  tools: TokenTools,
): Promise<Fresh> {
  const { db, vault, clock } = tools
  const { fence, sealed: before } = lease
  let keepLease = false
  try {
    if (!before) return { kind: 'disconnected' }
    if (!before.equals(stored.sealed)) return reread(stored, lease, before, tools)
    const account = publishing({ ...stored, ...lease }, open(before, stored.id, vault))
    const answer = await platform.refresh(account, tools)
    if (answer.kind === 'reconnect') {
      const now = await readSealedTokens(db, stored.id)
      // Connected anew while the old login was refused.
      if (now?.sealed && !now.sealed.equals(before)) return reread(stored, now, now.sealed, tools)
    }
    if (answer.kind !== 'refreshed') return answer
    const { credentials, accessTokenExpiresAt, refreshTokenExpiresAt, username, facts } = answer
    const sealed = vault.seal(JSON.stringify(credentials), stored.id)
    const next = { id: stored.id, fence, before, sealed, accessTokenExpiresAt, refreshTokenExpiresAt, username, facts }
    keepLease = await whenBack(tools, () => storeRefreshed(db, next, clock.dbNow()))
    if (!keepLease) return { kind: 'retry', reason: 'The account was connected anew or disconnected meanwhile.' }
    return {
      kind: 'fresh',
      sealed,
      account: {
        id: stored.id,
        userId: stored.userId,
        username: username ?? lease.username,
        facts: { ...lease.facts, ...facts },
        credentials,
      },
    }
  } finally {
    if (!keepLease) await dropRefreshLease(db, stored.id, fence).catch(() => {})
  }
}

/**
 * New tokens must not be lost while the database is away: a platform that rotates them takes the old ones no more.
 * Tries on for as long as the lease lasts; then another worker may be refreshing.
 */
async function whenBack<T>(tools: TokenTools, write: () => Promise<T>): Promise<T> {
  const giveUpAt = monotonicMs() + refreshLeaseMs
  for (;;) {
    try {
      return await write()
    } catch (error) {
      if (!isTransient(error) || monotonicMs() > giveUpAt) throw error
      tools.log.debug({ err: error }, 'new tokens wait to be written')
      await sleep(awayMs)
    }
  }
}

function reread(stored: StoredAccount, there: SealedTokens, sealed: Buffer, tools: TokenTools): Fresh {
  const account = publishing({ ...stored, ...there }, open(sealed, stored.id, tools.vault))
  return { kind: 'fresh', account, sealed }
}

function open(sealed: Buffer, accountId: string, vault: Vault): Credentials {
  return JSON.parse(vault.open(sealed, accountId)) as Credentials
}

function publishing(
  stored: { id: string; userId: string; username: string | null; facts: PublishingAccount['facts'] },
  credentials: Credentials,
): PublishingAccount {
  const { id, userId, username, facts } = stored
  return { id, userId, username, facts, credentials }
}
