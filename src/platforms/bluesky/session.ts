/** Logging in: sessions by app password, and new tokens for old ones. */
import type { Credentials } from '../../model/account.ts'
import type { PublishingAccount } from '../../model/delivery.ts'
import type { Json } from '../../model/platform.ts'
import { type Answer, delayOf } from '../call.ts'
import type { ConnectTools, Refreshed } from '../platform.ts'
import { meaningOf, reasonOf, wordOf } from './errors.ts'
import { expiryOf, hostOf, objectOf, pdsOf, textOf, xrpc } from './wire.ts'

/** The key of an account's `metadata` that holds its app password. */
export const appPasswordField = 'bluesky_app_password'

export interface Session {
  did: string
  handle: string
  accessJwt: string
  refreshJwt: string
  /** Origin of the server that holds the repository; null when the answer did not say. */
  pds: string | null
  /** Why the account cannot post; null when it can. */
  inactive: string | null
}

/** What asking for a session may end in. `later`: no verdict now. */
export type SessionAnswer =
  | { kind: 'session'; session: Session }
  | { kind: 'refused'; message: string }
  | { kind: 'later'; reason: string; afterMs?: number }

/** How long one call may take, in milliseconds: two of them must end within the 30 s of a refresh lease. */
const sessionMs = 10_000

/** Limited by Bluesky to 30 per 5 min and 300 per day for each account: never to be called for each post. */
export async function createSession(
  tools: ConnectTools,
  host: string,
  identifier: string,
  password: string,
): Promise<SessionAnswer> {
  const call = { json: { identifier, password }, timeoutMs: sessionMs }
  return read(await xrpc(tools, host, 'com.atproto.server.createSession', call), tools.clock.nowMs())
}

/** Answers a new refresh token too. Repeating it with the old one answers the same session for about 2 h. */
async function refreshSession(tools: ConnectTools, host: string, refreshJwt: string): Promise<SessionAnswer> {
  const call = { method: 'POST', bearer: refreshJwt, timeoutMs: sessionMs } as const
  return read(await xrpc(tools, host, 'com.atproto.server.refreshSession', call), tools.clock.nowMs())
}

function read(answer: Answer, nowMs: number): SessionAnswer {
  if (answer.kind === 'no answer') return { kind: 'later', reason: answer.reason }
  const session = answer.status === 200 ? sessionOf(answer.body) : null
  if (session) return { kind: 'session', session }
  // Only a server that speaks XRPC can refuse a login; a stray 404 of some proxy is no verdict.
  if (!isVerdict(answer)) return { kind: 'later', reason: reasonOf(answer), ...delayOf(answer.headers, nowMs) }
  return { kind: 'refused', message: refusalOf(answer) }
}

function isVerdict(answer: Extract<Answer, { kind: 'answer' }>): boolean {
  const meaning = meaningOf(answer)
  return [400, 401, 403].includes(answer.status) && wordOf(answer) !== '' && meaning !== 'wait'
}

function refusalOf(answer: Extract<Answer, { kind: 'answer' }>): string {
  if (wordOf(answer) === 'AuthFactorTokenRequired') {
    return 'Bluesky asks for a second factor, as it does for the main password. Make an app password under Settings, Privacy and security, App passwords, and use that.'
  }
  return reasonOf(answer)
}

function sessionOf(body: Json): Session | null {
  const { did, handle, accessJwt, refreshJwt, didDoc, active, status } = objectOf(body)
  const texts = [did, handle, accessJwt].map(textOf)
  if (texts.includes(null)) return null
  return {
    did: texts[0]!,
    handle: texts[1]!,
    accessJwt: texts[2]!,
    refreshJwt: textOf(refreshJwt) ?? '',
    pds: pdsOf(didDoc),
    inactive: active === false ? `The account is ${textOf(status) ?? 'not active'} on Bluesky.` : null,
  }
}

/** New tokens: by the refresh token, else by the app password. The caller holds the account's refresh lease. */
export async function refresh(account: PublishingAccount, tools: ConnectTools): Promise<Refreshed> {
  const { credentials, facts, userId } = account
  const host = hostOf(facts)
  const appPassword = credentials.secrets[appPasswordField]
  let answer: SessionAnswer = { kind: 'refused', message: 'No refresh token is stored.' }
  if (credentials.refreshToken) answer = await refreshSession(tools, host, credentials.refreshToken)
  if (answer.kind === 'refused' && appPassword) answer = await createSession(tools, host, userId, appPassword)
  if (answer.kind === 'later') return { ...answer, kind: 'retry' }
  if (answer.kind === 'refused') return { kind: 'reconnect', message: answer.message }
  const { session } = answer
  if (session.did !== userId) {
    return { kind: 'reconnect', message: `This login is of ${session.did}, the account is ${userId}.` }
  }
  if (session.inactive) return { kind: 'reconnect', message: session.inactive }
  return refreshed(session, credentials, account, tools)
}

/** Stands in for a lifetime that a token does not tell, in milliseconds: that of Bluesky's access tokens, 2 h. */
const accessLifetimeMs = 2 * 3_600_000

function refreshed(session: Session, old: Credentials, account: PublishingAccount, tools: ConnectTools): Refreshed {
  // An answer without a refresh token must not cost us the one we have.
  const refreshToken = session.refreshJwt === '' ? old.refreshToken : session.refreshJwt
  return {
    kind: 'refreshed',
    credentials: { ...old, accessToken: session.accessJwt, refreshToken },
    accessTokenExpiresAt: expiryOf(session.accessJwt) ?? new Date(tools.clock.nowMs() + accessLifetimeMs),
    refreshTokenExpiresAt: refreshToken ? expiryOf(refreshToken) : null,
    username: session.handle,
    facts: session.pds ? { ...account.facts, pds: session.pds } : account.facts,
  }
}
