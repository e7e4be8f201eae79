import type { JsonObject } from '../../model/platform.ts'

/** Everything the emulated network knows, changed by `applyEntry` alone so that a replay ends where we were. */
export interface State {
  /** Signs session tokens. */
  secret: string
  accounts: Map<string, Account>
  byHandle: Map<string, Account>
  byEmail: Map<string, Account>
  refreshTokens: Map<string, RefreshToken>
}

export interface Account {
  did: string
  handle: string
  email: string
  appPassword: string
  createdAt: string
  /** Access tokens issued so far. */
  serial: number
  /** Access tokens up to this one answer ExpiredToken. */
  expiredUpTo: number
  /** No login works until the account is made anew. */
  revoked: boolean
  blobs: Map<string, StoredBlob>
  /** Records by collection, then key. */
  records: Map<string, Map<string, StoredRecord>>
  /** The head of the repository; null before the first write. */
  commit: Commit | null
}

export interface StoredBlob {
  mimeType: string
  size: number
}

export interface StoredRecord {
  uri: string
  cid: string
  value: JsonObject
  /** When the write that holds now was received, RFC 3339. */
  at: string
}

export type Commit = { cid: string; rev: string }

export interface RefreshToken {
  did: string
  expiresAtS: number
  /** The token that took its place. */
  next: string | null
}

/** One state change as the journal keeps it. */
export type Entry =
  | { is: 'secret'; secret: string }
  | { is: 'account'; did: string; handle: string; email: string; appPassword: string; at: string }
  | { is: 'session'; did: string; jti: string; expiresAtS: number }
  | { is: 'rotation'; did: string; from: string; jti: string; expiresAtS: number; graceUntilS: number }
  | { is: 'session_ended'; jti: string }
  | { is: 'tokens_expired'; did: string; upTo: number }
  | { is: 'revoked'; did: string }
  | { is: 'blob'; did: string; cid: string; mimeType: string; size: number }
  | { is: 'blobs_lost'; did: string; cids: string[] }
  | {
      is: 'write'
      did: string
      collection: string
      rkey: string
      cid: string
      value: JsonObject
      at: string
      commit: Commit
    }
  | { is: 'delete'; did: string; collection: string; rkey: string; commit: Commit }

export function emptyState(): State {
  return { secret: '', accounts: new Map(), byHandle: new Map(), byEmail: new Map(), refreshTokens: new Map() }
}

/** The account that a handle, DID or e-mail address names. */
export function findAccount(state: State, identifier: string): Account | null {
  const name = identifier.toLowerCase()
  return state.accounts.get(identifier) ?? state.byHandle.get(name) ?? state.byEmail.get(name) ?? null
}

export function findRecord(account: Account, collection: string, rkey: string): StoredRecord | null {
  return account.records.get(collection)?.get(rkey) ?? null
}

/** @throws {Error} when an entry names an account that no entry before it made */
export function applyEntry(state: State, entry: Entry): void {
  switch (entry.is) {
    case 'secret':
      state.secret = entry.secret
      break
    case 'account':
      applyAccount(state, entry)
      break
    case 'session':
      accountOf(state, entry.did).serial += 1
      state.refreshTokens.set(entry.jti, { did: entry.did, expiresAtS: entry.expiresAtS, next: null })
      break
    case 'rotation':
      applyRotation(state, entry)
      break
    case 'session_ended':
      state.refreshTokens.delete(entry.jti)
      break
    case 'tokens_expired':
      accountOf(state, entry.did).expiredUpTo = entry.upTo
      break
    case 'revoked':
      applyRevoked(state, entry.did)
      break
    case 'blob':
      accountOf(state, entry.did).blobs.set(entry.cid, { mimeType: entry.mimeType, size: entry.size })
      break
    case 'blobs_lost':
      for (const cid of entry.cids) accountOf(state, entry.did).blobs.delete(cid)
      break
    case 'write':
      applyWrite(state, entry)
      break
    case 'delete':
      accountOf(state, entry.did).records.get(entry.collection)?.delete(entry.rkey)
      accountOf(state, entry.did).commit = entry.commit
  }
}

function accountOf(state: State, did: string): Account {
  const account = state.accounts.get(did)
  if (!account) throw new Error(`the sandbox has no account ${did}`)
  return account
}

/** Made anew: the same repository and name, a new app password, and logins work again. */
function applyAccount(state: State, entry: Extract<Entry, { is: 'account' }>): void {
  const { did, handle, email, appPassword, at } = entry
  const earlier = state.accounts.get(did)
  const account: Account = earlier ?? {
    did,
    handle,
    email,
    appPassword,
    createdAt: at,
    serial: 0,
    expiredUpTo: 0,
    revoked: false,
    blobs: new Map(),
    records: new Map(),
    commit: null,
  }
  Object.assign(account, { appPassword, revoked: false })
  state.accounts.set(did, account)
  state.byHandle.set(handle, account)
  state.byEmail.set(email, account)
}

function applyRotation(state: State, entry: Extract<Entry, { is: 'rotation' }>): void {
  const { did, from, jti, expiresAtS, graceUntilS } = entry
  accountOf(state, did).serial += 1
  const old = state.refreshTokens.get(from)
  if (old && old.next === null) {
    old.next = jti
    old.expiresAtS = Math.min(old.expiresAtS, graceUntilS)
  }
  if (!state.refreshTokens.has(jti)) state.refreshTokens.set(jti, { did, expiresAtS, next: null })
}

function applyRevoked(state: State, did: string): void {
  const account = accountOf(state, did)
  account.revoked = true
  account.expiredUpTo = account.serial
  for (const [jti, token] of state.refreshTokens) if (token.did === did) state.refreshTokens.delete(jti)
}

function applyWrite(state: State, entry: Extract<Entry, { is: 'write' }>): void {
  const { did, collection, rkey, cid, value, at, commit } = entry
  const account = accountOf(state, did)
  const records = account.records.get(collection) ?? new Map<string, StoredRecord>()
  account.records.set(collection, records)
  records.set(rkey, { uri: `at://${did}/${collection}/${rkey}`, cid, value, at })
  account.commit = commit
}
