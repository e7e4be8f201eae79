import type { PlatformName } from '../model/platform.ts'
import { redact, redactText } from '../runtime/redact.ts'
import type { VendorHeaders } from './emulator.ts'
import type { FaultKind } from './faults.ts'

const keptRequests = 10_000
const keptBodyBytes = 16_384

/** One vendor request as it came in and what was answered. */
export interface SeenRequest {
  platform: PlatformName
  method: string
  host: string
  path: string
  query: URLSearchParams
  headers: VendorHeaders
  body: Buffer
  receivedAt: Date
  userId: string | null
  problem: string | null
  fault: FaultKind | null
  /** Null: the connection was closed without an answer, or is still open. */
  status: number | null
  tookMs: number | null
}

/** The last 10,000 requests, in memory only. Secrets are taken out when they are read. */
export interface RequestLog {
  add(request: SeenRequest): SeenRequest
  /** The newest `limit` of them, the newest last. */
  newest(limit: number, platform?: string): object[]
}

export function createRequestLog(): RequestLog {
  const ring: SeenRequest[] = []
  let next = 0
  return {
    add(request) {
      const { body } = request
      // A body is cut out of a network buffer of up to 64 KiB, which it would keep alive.
      const kept = { ...request, body: keepsText(request) ? Buffer.from(body.subarray(0, keptBodyBytes)) : body }
      if (!keepsText(request)) kept.body = Buffer.alloc(0)
      const seen = Object.assign(kept, { bodyBytes: body.length })
      ring[next % keptRequests] = seen
      next += 1
      return seen
    },
    newest(limit, platform) {
      const found: object[] = []
      const oldest = Math.max(0, next - keptRequests)
      for (let index = next - 1; index >= oldest && found.length < limit; index -= 1) {
        const seen = ring[index % keptRequests] as SeenRequest & { bodyBytes: number }
        if (platform === undefined || seen.platform === platform) found.push(wireOf(seen))
      }
      return found.reverse()
    },
  }
}

function keepsText({ headers }: SeenRequest): boolean {
  return /json|text|form-urlencoded/i.test(headers['content-type'] ?? '')
}

function wireOf(seen: SeenRequest & { bodyBytes: number }): object {
  return {
    received_at: seen.receivedAt.toISOString(),
    platform: seen.platform,
    method: seen.method,
    url: redactText(`https://${seen.host}${seen.path}${seen.query.size > 0 ? `?${seen.query}` : ''}`),
    headers: redact(seen.headers),
    body: bodyOf(seen),
    body_bytes: seen.bodyBytes,
    user_id: seen.userId,
    verdict: seen.problem === null ? { valid: true } : { valid: false, problem: redactText(seen.problem) },
    fault: seen.fault,
    status: seen.status,
    took_ms: seen.tookMs,
  }
}

/** What could be parsed, without its secrets; text that cannot be parsed could hide one and is not shown. */
function bodyOf({ body, bodyBytes, headers }: SeenRequest & { bodyBytes: number }): unknown {
  if (body.length === 0) return null
  if (body.length < bodyBytes) return '[too long to keep]'
  const text = body.toString('utf8')
  try {
    if (/form-urlencoded/i.test(headers['content-type'] ?? ''))
      return redact(Object.fromEntries(new URLSearchParams(text)))
    return redact(JSON.parse(text))
  } catch {
    return '[could not be parsed, not shown]'
  }
}
