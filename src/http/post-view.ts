import type { Account } from '../model/account.ts'
import type { Post } from '../model/post.ts'
import { postToWire, type SocialPostWire } from '../model/wire.ts'
import { readAccountsOfPosts } from '../storage/accounts.ts'
import type { Db } from '../storage/database.ts'
import { type Caller, visible } from './auth.ts'

/** Posts as this caller may see them; the accounts of all of them are one read. */
export async function viewPosts(db: Db, caller: Caller, posts: readonly Post[]): Promise<SocialPostWire[]> {
  const accounts = await readAccountsOfPosts(
    db,
    posts.map((post) => post.id),
  )
  return posts.map((post) => viewPost(caller, post, accounts.get(post.id) ?? []))
}

/**
 * A restricted key sees of a post neither other accounts nor what is said only there. Nobody sees overrides for
 * accounts that were deleted: a PUT of what was read would be refused for them.
 */
export function viewPost(caller: Caller, post: Post, accounts: readonly Account[]): SocialPostWire {
  const seen = visible(caller, accounts)
  const wire = postToWire(post, seen)
  const ids = new Set(seen.map((account) => account.id))
  const own = wire.account_configurations.filter((entry) => ids.has(entry.social_account_id))
  return { ...wire, account_configurations: own }
}
