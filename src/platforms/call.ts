/** One API call of an adapter: JSON in and out, and what it means when no answer came. */
import type { Json, JsonObject } from '../model/platform.ts'
import { type Outbound, OutboundError, type OutboundRequest } from '../security/outbound.ts'
import type { Outcome } from './platform.ts'

export interface ApiCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  query?: Readonly<Record<string, string>>
  /** Without the scheme word `Bearer`. */
  bearer?: string
  headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  json?: JsonObject
  /** Sent as they are, with their type. */
  bytes?: { body: Uint8Array; type: string }
  /** Whole exchange, in milliseconds. @default 20000 */
  timeoutMs?: number
  /** Largest answer, in bytes. @default 1048576 (1 MiB) */
  maxBytes?: number
}

export type Answer =
  /** `body` is the parsed JSON; null when there was none or it was not JSON. */
  | { kind: 'answer'; status: number; headers: Readonly<Record<string, string>>; body: Json }
  /** `sent` false: the request certainly did not reach the platform. */
  | { kind: 'no answer'; sent: boolean; reason: string }

const defaultTimeoutMs = 20_000

export async function callApi(http: Outbound, call: ApiCall, signal: AbortSignal): Promise<Answer> {
  try {
    const { status, headers, body } = await http.request({ ...requestOf(call), signal })
    return { kind: 'answer', status, headers, body: parse(body) }
  } catch (error) {
    if (error instanceof OutboundError) return { kind: 'no answer', sent: error.sent, reason: error.message }
    throw error
  }
}

function requestOf(call: ApiCall): OutboundRequest {
  const { method, query, bearer, headers, json, bytes, timeoutMs = defaultTimeoutMs, maxBytes } = call
  const url = query ? `${call.url}?${new URLSearchParams(query)}` : call.url
  const sent: Record<string, string> = { accept: 'application/json', ...headers }
  if (bearer !== undefined) sent['authorization'] = `Bearer ${bearer}`
  if (json) sent['content-type'] = 'application/json'
  else if (bytes) sent['content-type'] = bytes.type
  const body = json ? JSON.stringify(json) : bytes?.body
  return { method, url, headers: sent, timeoutMs, ...(body !== undefined && { body }), ...(maxBytes && { maxBytes }) }
}

function parse(body: Buffer): Json {
  if (body.length === 0) return null
  try {
    return JSON.parse(body.toString('utf8')) as Json
  } catch {
    return null
  }
}

/**
 * What no answer means. Before the commit mark nothing visible was sent. After it, only what certainly did not
 * arrive may be sent again.
 */
export function outcomeOfSilence(silence: Extract<Answer, { kind: 'no answer' }>, committed: boolean): Outcome {
  return committed && silence.sent
    ? { kind: 'unsure', message: silence.reason }
    : { kind: 'retry', reason: silence.reason }
}

/** A platform never makes us wait longer than this, in milliseconds: 24 h. Beyond it the header is nonsense. */
const maxDelayMs = 86_400_000

/**
 * How long a platform asks to wait, in milliseconds, from `Retry-After` (seconds or a date), else `RateLimit-Reset`
 * (seconds since 1970, or from now when it is small); undefined when it says nothing.
 */
export function delayOf(headers: Readonly<Record<string, string>>, nowMs: number): { afterMs?: number } {
  const after = headers['retry-after']
  const reset = headers['ratelimit-reset']
  const ms = (after && retryAfterMs(after, nowMs)) ?? (reset && resetMs(reset, nowMs))
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return {}
  return { afterMs: Math.min(Math.max(ms, 0), maxDelayMs) }
}

function retryAfterMs(value: string, nowMs: number): number | undefined {
  if (/^\d+(\.\d+)?$/.test(value.trim())) return Math.ceil(Number(value) * 1000)
  // A date begins with its weekday; `Date.parse` alone takes "-5" for one.
  const at = /^[a-z]/i.test(value.trim()) ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : at - nowMs
}

function resetMs(value: string, nowMs: number): number | undefined {
  const seconds = Number(value)
  if (!Number.isFinite(seconds)) return undefined
  return seconds > 1_000_000_000 ? seconds * 1000 - nowMs : seconds * 1000
}
