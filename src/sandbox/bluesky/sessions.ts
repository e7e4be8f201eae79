import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../model/platform.ts'
import type { VendorReply } from '../emulator.ts'
import { createSessionInput } from './lexicon/inputs.ts'
import { didDocument, type Network, pdsHost } from './network.ts'
import { type Account, findAccount } from './state.ts'
import {
  accessScope,
  accessSeconds,
  type Claims,
  graceSeconds,
  readToken,
  refreshScope,
  refreshSeconds,
  signToken,
} from './tokens.ts'
import { type Given, type Method, ok, refusal } from './xrpc.ts'

/** Every emulated account has this main password; logging in with it asks for the code of an e-mail, as a real one does. */
export const mainPassword = 'sandbox-main-password'

export function sessionMethods(network: Network): Record<string, Method> {
  return {
    'com.atproto.server.createSession': {
      http: 'POST',
      kind: 'login',
      hosts: ['entryway', 'pds'],
      auth: 'none',
      check: createSessionInput,
      subject: (input) => findAccount(network.state, String(input['identifier']))?.did ?? null,
      disturbs: ['revoke_token'],
      answer: (given) => createSession(network, given),
    },
    'com.atproto.server.refreshSession': {
      http: 'POST',
      kind: 'login',
      hosts: ['entryway', 'pds'],
      auth: 'refresh',
      body: 'none',
      disturbs: ['revoke_token'],
      answer: (given) => refreshSession(network, given),
    },
    'com.atproto.server.deleteSession': {
      http: 'POST',
      kind: 'other',
      hosts: ['entryway', 'pds'],
      auth: 'refresh',
      body: 'none',
      disturbs: ['revoke_token'],
      async answer({ tokenId }) {
        await network.commit({ is: 'session_ended', jti: tokenId! })
        return { status: 200, contentType: 'text/plain; charset=utf-8', body: '' }
      },
    },
    'com.atproto.server.getSession': {
      http: 'GET',
      kind: 'read',
      hosts: ['entryway', 'pds'],
      auth: 'access',
      disturbs: ['expire_token', 'revoke_token'],
      answer: ({ account }) => ok(profileOf(account!)),
    },
  }
}

async function createSession(network: Network, { input }: Given): Promise<VendorReply> {
  const { identifier, password, authFactorToken } = input as Record<string, string>
  const account = findAccount(network.state, identifier!)
  const { headers, refused } = account ? network.meters.login.use(account.did, 1) : { headers: {}, refused: null }
  if (refused) return refused
  if (account && !account.revoked && password === mainPassword) {
    return authFactorToken === undefined
      ? refusal(401, 'AuthFactorTokenRequired', 'A sign in code has been sent to your email address', headers)
      : refusal(400, 'InvalidToken', 'Token is invalid', headers)
  }
  if (!account || account.revoked || password !== account.appPassword) {
    const message = 'Invalid identifier or password (this is the sandbox: it knows only its own accounts)'
    return refusal(401, 'AuthenticationRequired', message, headers)
  }
  return ok(await openSession(network, account), headers)
}

/** A new session as createSession answers it. */
export async function openSession(network: Network, account: Account): Promise<JsonObject & Tokens> {
  const jti = newTokenId()
  const expiresAtS = network.nowS() + refreshSeconds
  const written = network.commit({ is: 'session', did: account.did, jti, expiresAtS })
  const tokens = tokensOf(network, account, jti, expiresAtS)
  await written
  return { ...profileOf(account), ...tokens }
}

/**
 * Rotation with a grace: a used refresh token answers its same successor for two more hours, so a lost
 * reply may be repeated (observed on a real PDS, see the contract sheet).
 */
async function refreshSession(network: Network, { account, tokenId }: Given): Promise<VendorReply> {
  const { state, nowS } = network
  const jti = state.refreshTokens.get(tokenId!)?.next ?? newTokenId()
  const expiresAtS = state.refreshTokens.get(jti)?.expiresAtS ?? nowS() + refreshSeconds
  const graceUntilS = nowS() + graceSeconds
  const written = network.commit({ is: 'rotation', did: account!.did, from: tokenId!, jti, expiresAtS, graceUntilS })
  const tokens = tokensOf(network, account!, jti, expiresAtS)
  await written
  return ok({ ...profileOf(account!), ...tokens })
}

type Tokens = { accessJwt: string; refreshJwt: string }

function tokensOf({ state, nowS }: Network, account: Account, jti: string, refreshExpiresAtS: number): Tokens {
  const iat = nowS()
  const common = { aud: `did:web:${pdsHost}`, sub: account.did, serial: account.serial, iat }
  return {
    accessJwt: signToken({ ...common, scope: accessScope, jti: newTokenId(), exp: iat + accessSeconds }, state.secret),
    refreshJwt: signToken({ ...common, scope: refreshScope, jti, exp: refreshExpiresAtS }, state.secret),
  }
}

function profileOf(account: Account): JsonObject {
  return { did: account.did, handle: account.handle, didDoc: didDocument(account), emailConfirmed: true, active: true }
}

function newTokenId(): string {
  return randomBytes(24).toString('base64url')
}

/** What the Authorization header holds, whether or not it is still good. */
export function claimsOf({ state }: Network, authorization: string | undefined): Claims | null {
  const [scheme, token] = (authorization ?? '').split(' ')
  return scheme === 'Bearer' && token ? readToken(token, state.secret) : null
}

/** Why this login does not open the method, in the PDS's words and statuses; null: it does. */
export function loginProblem(
  network: Network,
  wanted: 'access' | 'refresh',
  authorization: string | undefined,
  claims: Claims | null,
): VendorReply | null {
  if (!authorization?.startsWith('Bearer ')) return refusal(401, 'AuthMissing', 'Authentication Required')
  if (!claims) return refusal(400, 'InvalidToken', 'Token could not be verified')
  const { state, nowS } = network
  if (claims.exp <= nowS()) return refusal(400, 'ExpiredToken', 'Token has expired')
  if (claims.scope !== (wanted === 'access' ? accessScope : refreshScope)) {
    return refusal(400, 'InvalidToken', 'Bad token scope')
  }
  const account = state.accounts.get(claims.sub)
  if (!account) return refusal(400, 'InvalidToken', 'Token could not be verified')
  if (wanted === 'access') {
    return claims.serial <= account.expiredUpTo ? refusal(400, 'ExpiredToken', 'Token has expired') : null
  }
  const kept = state.refreshTokens.get(claims.jti)
  return !kept || kept.expiresAtS <= nowS() ? refusal(400, 'ExpiredToken', 'Token has been revoked') : null
}
