/** Connecting with a handle and an app password. */

import { callApi } from '../call.ts'
import type { Connected, ConnectTools, TokenLogin } from '../platform.ts'
import { blueskyOrigin } from './hosts.ts'
import { appPasswordField, createSession, type Session, type SessionAnswer } from './session.ts'
import { claimsOf, objectOf, pdsOf, textOf, xrpc } from './wire.ts'

/** How long connecting waits for the avatar, in milliseconds. */
const avatarMs = 2_000
/** How long it waits for the directory of DIDs, in milliseconds. */
const directoryMs = 2_000

export async function connectByToken(login: TokenLogin, tools: ConnectTools): Promise<Connected> {
  const { userId, username, credentials } = login
  const handle = username === null ? null : cleanHandle(username)
  const unverified = {
    kind: 'connected' as const,
    verified: false,
    username: handle,
    profilePhotoUrl: null,
    facts: {},
  }
  const appPassword = credentials.secrets[appPasswordField]
  if (!appPassword) return unverified
  const answer = await logIn(tools, login, handle || userId, appPassword)
  if (answer.kind === 'later') return unverified
  if (answer.kind === 'refused') return answer
  const { session } = answer
  if (session.did !== userId) {
    const message = `This login belongs to ${session.did} (${session.handle}), not to ${userId}: user_id takes the DID of the account that is logged in.`
    return { kind: 'refused', message }
  }
  if (session.inactive) return { kind: 'refused', message: session.inactive }
  return {
    kind: 'connected',
    verified: true,
    username: session.handle,
    profilePhotoUrl: await avatarOf(tools, session),
    facts: session.pds ? { pds: session.pds } : {},
  }
}

// Marks of writing direction, which come along when a handle is copied from the app.
const directionMarks = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** A handle, e-mail address or DID as a person typed or pasted it. */
export function cleanHandle(text: string): string {
  return text.replace(directionMarks, '').replace(/\s/g, '').replace(/^@/, '')
}

/**
 * Logs in where the account lives: at the server that its token names, else at the entryway, and when that knows no
 * such login, at the server that the directory of DIDs names.
 */
async function logIn(
  tools: ConnectTools,
  login: TokenLogin,
  identifier: string,
  appPassword: string,
): Promise<SessionAnswer> {
  const named = hostInToken(login.credentials.accessToken)
  const first = await createSession(tools, named ?? blueskyOrigin, identifier, appPassword)
  if (first.kind !== 'refused' || named) return first
  const home = await homeOf(tools, login.userId)
  if (!home || belongsToEntryway(home)) return first
  return createSession(tools, home, identifier, appPassword)
}

/** The entryway's own servers take logins only through it. */
function belongsToEntryway(origin: string): boolean {
  const { hostname } = new URL(origin)
  return hostname === 'bsky.social' || hostname.endsWith('.bsky.network')
}

/** The server that issued a token (`aud: did:web:HOST`), when it is not one of the entryway's. */
function hostInToken(token: string): string | null {
  const { aud } = claimsOf(token)
  const host = typeof aud === 'string' ? /^did:web:([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/.exec(aud)?.[1] : undefined
  const origin = host ? `https://${host}` : null
  return origin && !belongsToEntryway(origin) ? origin : null
}

/** @see https://web.plc.directory/api/redoc (read 2026-11-24) */
async function homeOf(tools: ConnectTools, did: string): Promise<string | null> {
  if (!/^did:plc:[a-z2-7]{24}$/.test(did)) return null
  const call = { method: 'GET', url: `https://plc.directory/${did}`, timeoutMs: directoryMs } as const
  const answer = await callApi(tools.http, call, tools.signal)
  return answer.kind === 'answer' && answer.status === 200 ? pdsOf(answer.body) : null
}

/** Best effort: a bare PDS has no profiles. */
async function avatarOf(tools: ConnectTools, session: Session): Promise<string | null> {
  const answer = await xrpc(tools, session.pds ?? blueskyOrigin, 'app.bsky.actor.getProfile', {
    query: { actor: session.did },
    bearer: session.accessJwt,
    timeoutMs: avatarMs,
  })
  return answer.kind === 'answer' && answer.status === 200 ? textOf(objectOf(answer.body)['avatar']) : null
}
