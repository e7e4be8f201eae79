import type { Account, Credentials } from '../model/account.ts'
import { accountToWire, type SocialAccountWire } from '../model/wire.ts'
import type { Caller } from './auth.ts'
import type { Parts } from './parts.ts'

/** An account as the social-accounts endpoints answer it: with tokens for keys that were made to see them. */
export function viewAccount(
  caller: Caller,
  account: Account,
  sealed: Buffer | null,
  parts: Pick<Parts, 'vault' | 'log'>,
): SocialAccountWire {
  return accountToWire(account, caller.key.revealTokens && sealed ? openTokens(account.id, sealed, parts) : null)
}

function openTokens(accountId: string, sealed: Buffer, parts: Pick<Parts, 'vault' | 'log'>): Credentials | null {
  try {
    return JSON.parse(parts.vault.open(sealed, accountId)) as Credentials
  } catch (error) {
    // A secret that is gone must not make accounts unreadable; they must be connected again.
    parts.log.error({ err: error, account_id: accountId }, 'the tokens of an account cannot be decrypted')
    return null
  }
}
