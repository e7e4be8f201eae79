/** The only door to the network. This file's interface; see createOutbound. */
export interface OutboundRequest {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Whole exchange, in milliseconds. @default 30000 */
  timeoutMs?: number
  /** Largest answer body, in bytes. @default 1048576 (1 MiB) */
  maxBytes?: number
  /** Redirects followed, each checked again; GET and HEAD only. @default 0 */
  redirects?: number
  signal?: AbortSignal
}

export interface OutboundReply {
  status: number
  headers: Record<string, string>
  body: Buffer
  /** The address that answered, after redirects. */
  url: string
}

/** Why no answer came. `sent` is false only when the request certainly did not reach the other side. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly reason:
    | 'bad_url'
    | 'private_address'
    | 'dns'
    | 'connect'
    | 'tls'
    | 'timeout'
    | 'aborted'
    | 'cut'
    | 'too_large'
  readonly sent: boolean

  constructor(reason: OutboundError['reason'], sent: boolean, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
    this.sent = sent
  }
}

export interface Outbound {
  /** @throws {OutboundError} when no whole answer came; any HTTP status is an answer. */
  request(request: OutboundRequest): Promise<OutboundReply>
}
