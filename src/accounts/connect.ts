/** Connecting an account by a token that the caller already has. */
import type { Account, Credentials } from '../model/account.ts'
import { BelfryError } from '../model/errors.ts'
import type { Json, JsonObject, PlatformName } from '../model/platform.ts'
import type { Connected, Platform, TokenLogin } from '../platforms/platform.ts'
import type { Clock } from '../runtime/clock.ts'
import { newId } from '../runtime/ids.ts'
import { sleep } from '../runtime/timer.ts'
import type { Vault } from '../security/vault.ts'
import {
  insertAccount,
  lockAccountOf,
  readAccountOf,
  reconnectAccount,
  type SealedAccount,
} from '../storage/accounts.ts'
import type { Db } from '../storage/database.ts'
import { appendEvents } from '../storage/events.ts'

/** What a caller gives. Undefined keeps what is stored, null clears it. */
export interface GivenLogin {
  platform: PlatformName
  userId: string
  accessToken: string
  accessTokenExpiresAt: Date
  username?: string | null | undefined
  externalId?: string | null | undefined
  refreshToken?: string | null | undefined
  refreshTokenExpiresAt?: Date | null | undefined
  metadata?: JsonObject | null | undefined
}

export interface ConnectParts {
  vault: Vault
  clock: Clock
  platform(name: PlatformName): Platform | null
  connect(login: TokenLogin, platform: PlatformName): Promise<Connected>
  originLabel(platform: PlatformName): string
}

/** Longest wait for the platform's answer, in milliseconds. Then the login shows itself at first use. */
export const verifyMs = 3_000

/** Where an adapter does not say which metadata is secret. */
const secretLooking = /password|secret|token/i

/**
 * Asks the platform whether the login works; before any transaction, because the platform may take seconds.
 * @throws {BelfryError} `login_refused` with the platform's reason
 */
export async function verifyGiven(
  db: Db,
  projectId: string,
  given: GivenLogin,
  parts: ConnectParts,
): Promise<Connected & { kind: 'connected' }> {
  const stored = await readAccountOf(db, { projectId, platform: given.platform, userId: given.userId })
  const { credentials } = merged(given, stored, parts)
  const username = given.username === undefined ? (stored?.account.username ?? null) : given.username
  const connected = await Promise.race([
    parts.connect({ userId: given.userId, username, credentials }, given.platform),
    sleep(verifyMs).then(() => unverified),
  ])
  if (connected.kind === 'refused') throw new BelfryError('login_refused', connected.message)
  return connected
}

/** A login that is kept as given and shows itself at first use. */
export const unverified: Connected = {
  kind: 'connected',
  verified: false,
  username: null,
  profilePhotoUrl: null,
  facts: {},
}

/**
 * Stores the login: a new account, or the one that the project already has for this platform's user, which keeps
 * its id and is connected again. Writes `social.account.created` in both cases.
 */
export async function connectAccount(
  tx: Db,
  projectId: string,
  given: GivenLogin,
  connected: Connected & { kind: 'connected' },
  parts: ConnectParts,
): Promise<{ account: Account; sealed: Buffer; created: boolean }> {
  const now = parts.clock.dbNow()
  const of = { projectId, platform: given.platform, userId: given.userId }
  let stored = await lockAccountOf(tx, of)
  let written = stored ? null : await write(null)
  // Someone else connected the same account between the look and the insert.
  if (!written) {
    stored ??= await lockAccountOf(tx, of)
    written = await write(stored!)
  }
  const { account } = written!
  await appendEvents(tx, [{ projectId, type: 'social.account.created', accountId: account.id }], now)
  return { ...written!, created: stored === null }

  async function write(onto: SealedAccount | null): Promise<{ account: Account; sealed: Buffer } | null> {
    const { credentials, metadata } = merged(given, onto, parts)
    const id = onto?.account.id ?? newId('spc', parts.clock.nowMs())
    const sealed = parts.vault.seal(JSON.stringify(credentials), id)
    const row = {
      ...of,
      id,
      sealed,
      metadata,
      username: kept(given.username, onto?.account.username) ?? connected.username,
      profilePhotoUrl: connected.profilePhotoUrl ?? onto?.account.profilePhotoUrl ?? null,
      externalId: kept(given.externalId, onto?.account.externalId),
      facts: connected.verified ? connected.facts : { ...onto?.account.facts, ...connected.facts },
      origin: parts.originLabel(given.platform),
      accessTokenExpiresAt: given.accessTokenExpiresAt,
      refreshTokenExpiresAt: kept(given.refreshTokenExpiresAt, onto?.account.refreshTokenExpiresAt),
    }
    const account = onto ? await reconnectAccount(tx, row, now) : await insertAccount(tx, row, now)
    return account && { account, sealed }
  }
}

function kept<T>(given: T | null | undefined, stored: T | null | undefined): T | null {
  return given === undefined ? (stored ?? null) : given
}

/** The login as it will be stored: public metadata apart from credentials, both over what is there. */
function merged(
  given: GivenLogin,
  onto: SealedAccount | null,
  parts: ConnectParts,
): { credentials: Credentials; metadata: JsonObject | null } {
  const old = onto?.sealed ? openCredentials(onto.sealed, onto.account.id, parts.vault) : null
  const { secrets, rest } = split(given.metadata ?? {}, parts.platform(given.platform))
  const metadata = given.metadata === undefined ? (onto?.account.metadata ?? {}) : given.metadata && rest
  return {
    metadata,
    credentials: {
      accessToken: given.accessToken,
      // Clients send "" for what they read as "": an empty refresh token never replaces one.
      refreshToken: given.refreshToken || (given.refreshToken === null ? null : (old?.refreshToken ?? null)),
      secrets: given.metadata === null ? {} : defined({ ...old?.secrets, ...secrets }),
    },
  }
}

/** Null when they were sealed with a secret that is gone: the new login replaces them whole. */
function openCredentials(sealed: Buffer, accountId: string, vault: Vault): Credentials | null {
  try {
    return JSON.parse(vault.open(sealed, accountId)) as Credentials
  } catch {
    return null
  }
}

/** Secrets that came in the metadata: they are encrypted and never answered. Null forgets one. */
function split(
  metadata: JsonObject,
  platform: Platform | null,
): { secrets: Record<string, string | null>; rest: JsonObject } {
  const secrets: Record<string, string | null> = {}
  const rest: JsonObject = {}
  for (const [name, value] of Object.entries(metadata)) {
    const isSecret = platform?.secretMetadata.includes(name) || secretLooking.test(name) || holdsSecret(value)
    if (!isSecret) rest[name] = value
    else if (value !== '') secrets[name] = textOf(value)
  }
  return { secrets, rest }
}

/** Something inside is named like a secret: the whole is kept as one. */
function holdsSecret(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, inner]) => secretLooking.test(name) || holdsSecret(inner))
}

function textOf(value: Json): string | null {
  if (value === null) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function defined(secrets: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(Object.entries(secrets).filter((entry): entry is [string, string] => entry[1] !== null))
}
