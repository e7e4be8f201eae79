import type { JsonObject } from '../../model/platform.ts'
import type { CallKind, Disturbance, VendorReply, VendorRequest } from '../emulator.ts'
import type { Account } from './state.ts'

/** Hosts by what they do. The entryway passes repository calls on to the account's PDS, as the real one does. */
export type HostRole = 'entryway' | 'pds' | 'appview'

/** One XRPC method: its contract and what it does. */
export interface Method {
  http: 'GET' | 'POST'
  kind: CallKind
  hosts: readonly HostRole[]
  auth: 'none' | 'access' | 'refresh'
  /** What a JSON body, or the query, must look like; a sentence when it does not. */
  check?(input: JsonObject): string | null
  /** Names of query parameters by how they are read; others are ignored. */
  query?: Record<string, 'text' | 'integer' | 'boolean' | 'list'>
  /** What a POST takes. @default 'json' for POST */
  body?: 'json' | 'bytes' | 'none'
  /** The account that an unauthenticated call is about. */
  subject?(input: JsonObject): string | null
  disturbs?: readonly Disturbance[]
  answer(given: Given): Promise<VendorReply> | VendorReply
}

/** What a method gets once its contract and its login were checked. */
export interface Given {
  request: VendorRequest
  input: JsonObject
  /** Whose token it was; for methods with `auth`. */
  account: Account | null
  /** `jti` of the token. */
  tokenId: string | null
}

export function ok(body: JsonObject, headers?: Record<string, string>): VendorReply {
  return { status: 200, contentType: 'application/json; charset=utf-8', headers, body: JSON.stringify(body) }
}

export function refusal(status: number, error: string, message: string, headers?: Record<string, string>): VendorReply {
  return { status, contentType: 'application/json; charset=utf-8', headers, body: JSON.stringify({ error, message }) }
}

export function invalid(message: string): VendorReply {
  return refusal(400, 'InvalidRequest', message)
}
