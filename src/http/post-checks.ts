import { resolveContent } from '../content/resolve.ts'
import type { Account } from '../model/account.ts'
import { BelfryError } from '../model/errors.ts'
import type { PostDraft } from '../model/post.ts'
import type { Platform } from '../platforms/platform.ts'
import { holdAccounts, readAccounts } from '../storage/accounts.ts'
import type { Db } from '../storage/database.ts'
import { type Caller, visible } from './auth.ts'
import type { Parts } from './parts.ts'
import { type ReadPost, timeProblems } from './post-body.ts'
import { quoted } from './post-problems.ts'

/** Refuses a body that is wrong by itself; says with it which accounts are unknown. */
export async function refuseUnreadable(db: Db, caller: Caller, read: ReadPost): Promise<PostDraft> {
  if (read.draft) return read.draft
  const accounts = await readAccounts(db, caller.project.id, read.accountIds)
  throw refusal([...read.problems, ...unknownAccounts(read.accountIds, visible(caller, accounts))])
}

/**
 * The draft's accounts in request order, held so that none is deleted before the commit.
 * @throws {BelfryError} `invalid_request` with everything that its accounts, time and platforms have against it
 */
export async function checkedAccounts(
  tx: Db,
  caller: Caller,
  draft: PostDraft,
  parts: Pick<Parts, 'clock' | 'platform'>,
): Promise<Account[]> {
  const found = visible(caller, await holdAccounts(tx, caller.project.id, draft.accountIds))
  const byId = new Map(found.map((account) => [account.id, account]))
  const accounts = draft.accountIds.flatMap((id) => byId.get(id) ?? [])
  const problems = [
    ...timeProblems(draft, parts.clock.nowMs()),
    ...unknownAccounts(draft.accountIds, accounts),
    ...(draft.isDraft ? [] : accounts.flatMap((account) => platformProblems(draft, account, caller, parts))),
  ]
  if (caller.key.accountIds !== null && draft.accountIds.length === 0) {
    problems.push('social_accounts must not be empty: this API key is limited to certain accounts')
  }
  if (problems.length > 0) throw refusal(problems)
  return accounts
}

function unknownAccounts(ids: readonly string[], accounts: readonly Account[]): string[] {
  const known = new Set(accounts.map((account) => account.id))
  const unknown = [...new Set(ids)].filter((id) => !known.has(id))
  if (unknown.length === 0) return []
  const shown = unknown.slice(0, 20).map(quoted).join(', ')
  const rest = unknown.length > 20 ? ` and ${unknown.length - 20} more` : ''
  return [`social_accounts contains accounts that do not exist in this project: ${shown}${rest}`]
}

function platformProblems(
  draft: PostDraft,
  account: Account,
  caller: Caller,
  parts: Pick<Parts, 'platform'>,
): string[] {
  const platform: Platform | null = parts.platform(account.platform)
  if (!platform) return []
  const content = resolveContent(draft, account.platform, account.id)
  const cut = caller.project.overflow === 'truncate' ? platform.cut(content, account.facts) : null
  const name = `account ${account.id} (${account.platform}${account.username ? ` ${account.username}` : ''})`
  return platform
    .check(cut ? { ...content, caption: cut.caption } : content, account.facts)
    .map((problem) => `${name}: ${problem.message}`)
}

function refusal(problems: string[]): BelfryError {
  return new BelfryError('invalid_request', 'Invalid Request', problems)
}
