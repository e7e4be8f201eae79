import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a session token says; times in seconds since 1970. */
export interface Claims {
  scope: string
  aud: string
  sub: string
  jti: string
  /** The emulator's own: counts an account's access tokens, so that those up to one can be called expired. */
  serial: number
  iat: number
  exp: number
}

export const accessScope = 'com.atproto.appPass'
export const refreshScope = 'com.atproto.refresh'

/** Access tokens live 2 h, refresh tokens 90 days; a used refresh token answers the same next session for 2 h. */
export const accessSeconds = 2 * 60 * 60
export const refreshSeconds = 90 * 24 * 60 * 60
export const graceSeconds = 2 * 60 * 60

export function signToken(claims: Claims, secret: string): string {
  const typ = claims.scope === refreshScope ? 'refresh+jwt' : 'at+jwt'
  const signed = `${encode({ typ, alg: 'HS256' })}.${encode(claims)}`
  return `${signed}.${mac(signed, secret).toString('base64url')}`
}

/** Says nothing about expiry. @returns null when we did not sign it */
export function readToken(token: string, secret: string): Claims | null {
  const end = token.lastIndexOf('.')
  const start = token.indexOf('.')
  if (start === -1 || end === start) return null
  const given = Buffer.from(token.slice(end + 1), 'base64url')
  const wanted = mac(token.slice(0, end), secret)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return null
  return JSON.parse(Buffer.from(token.slice(start + 1, end), 'base64url').toString('utf8')) as Claims
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function mac(text: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(text).digest()
}
