/** XRPC as this adapter uses it: calls, and the parts of their answers that it reads. */
import type { AccountFacts } from '../../model/account.ts'
import type { Json, JsonObject } from '../../model/platform.ts'
import { type Answer, type ApiCall, callApi } from '../call.ts'
import type { ConnectTools } from '../platform.ts'
import { blueskyOrigin } from './hosts.ts'

export const postCollection = 'app.bsky.feed.post'

/** A file in a repository, as `uploadBlob` answers it and a record names it. */
export interface BlobRef extends JsonObject {
  $type: 'blob'
  ref: { $link: string }
  mimeType: string
  size: number
}

export interface StrongRef extends JsonObject {
  uri: string
  cid: string
}

/** Calls one method at a host such as `https://bsky.social`. */
export function xrpc(
  tools: Pick<ConnectTools, 'http' | 'signal'>,
  host: string,
  nsid: string,
  call: Omit<ApiCall, 'url' | 'method'> & { method?: 'GET' | 'POST' } = {},
): Promise<Answer> {
  const { method = call.json || call.bytes ? 'POST' : 'GET', ...rest } = call
  return callApi(tools.http, { ...rest, method, url: `${host}/xrpc/${nsid}` }, tools.signal)
}

/** The server that holds the account's repository; the entryway until it is known. */
export function hostOf(facts: AccountFacts): string {
  const { pds } = facts
  return (typeof pds === 'string' ? safeOrigin(pds) : null) ?? blueskyOrigin
}

/** The origin of the repository's server in a DID document; null when it names none. */
export function pdsOf(didDocument: Json | undefined): string | null {
  const services = objectOf(didDocument)['service']
  for (const service of Array.isArray(services) ? services : []) {
    const { id, serviceEndpoint } = objectOf(service)
    if (typeof id !== 'string' || !id.endsWith('#atproto_pds') || typeof serviceEndpoint !== 'string') continue
    return safeOrigin(serviceEndpoint)
  }
  return null
}

/** Logins go over TLS alone, but for a server on this very machine. */
function safeOrigin(address: string): string | null {
  const url = URL.parse(address)
  if (!url) return null
  const isHere = url.hostname === 'localhost' || url.hostname === '127.0.0.1'
  return url.protocol === 'https:' || (url.protocol === 'http:' && isHere) ? url.origin : null
}

export function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

export function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}

export function blobOf(body: Json): BlobRef | null {
  const blob = objectOf(objectOf(body)['blob'])
  const link = textOf(objectOf(blob['ref'])['$link'])
  const { mimeType, size } = blob
  if (!link || typeof mimeType !== 'string' || typeof size !== 'number') return null
  return { $type: 'blob', ref: { $link: link }, mimeType, size }
}

export function strongRefOf(body: Json): StrongRef | null {
  const { uri, cid } = objectOf(body)
  return typeof uri === 'string' && typeof cid === 'string' ? { uri, cid } : null
}

/** What a session token says of itself; empty when it is not a JWT. Unchecked: only its server can check it. */
export function claimsOf(token: string): JsonObject {
  const part = token.split('.')[1]
  if (!part) return {}
  try {
    return objectOf(JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Json)
  } catch {
    return {}
  }
}

/** When a session token ends; null when it does not say. */
export function expiryOf(token: string): Date | null {
  const { exp } = claimsOf(token)
  return typeof exp === 'number' && Number.isFinite(exp) ? new Date(exp * 1000) : null
}
