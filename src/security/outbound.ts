/** The only door to the network: every request leaves here, and every address it dials was checked. */
import { lookup as systemLookup } from 'node:dns'
import { Agent, type Dispatcher } from 'undici'
import { monotonicMs } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { later } from '../runtime/timer.ts'
import { literalAddress } from './outbound-address.ts'
import { decodeBody } from './outbound-body.ts'
import { codeOf, failureOf, OutboundError } from './outbound-error.ts'
import { checkAddress, checkUrl, guardLookup, type Lookup } from './outbound-guard.ts'

export { OutboundError } from './outbound-error.ts'

export interface OutboundRequest {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Whole exchange, in milliseconds. @default 30000 */
  timeoutMs?: number
  /** Largest answer body, in bytes. @default 1048576 (1 MiB) */
  maxBytes?: number
  /** Answer with the first `maxBytes` of a longer body instead of failing. @default false */
  cut?: boolean
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

export interface Outbound {
  /** @throws {OutboundError} when no whole answer came; any HTTP status is an answer. */
  request(request: OutboundRequest): Promise<OutboundReply>
}

/** The door itself, as `main.ts` holds it. */
export interface OutboundClient extends Outbound {
  /** The same door for addresses that users give: no origin is trusted there. */
  web: Outbound
  /** Adds an origin of ours that is known late, such as the sandbox on our own port. */
  trust(origin: string): void
  /** Lets running requests end, takes no new ones. */
  close(): Promise<void>
}

export interface OutboundOptions {
  /** Also closed networks and other ports than 80 and 443. Link-local and metadata addresses stay refused. */
  allowPrivateNetwork: boolean
  /** Origins from the configuration, which may be anywhere. */
  trustedOrigins: readonly string[]
  log: Logger
  /** @default 256 */
  connectionsPerOrigin?: number
  /** Resolves names. @default the system's resolver */
  lookup?: Lookup
}

const defaultTimeoutMs = 30_000
const defaultMaxBytes = 1_048_576
/** How long a connection may take to open, TLS included, in milliseconds. */
const connectTimeoutMs = 10_000

export function createOutbound(options: OutboundOptions): OutboundClient {
  const { allowPrivateNetwork, log, connectionsPerOrigin = 256, lookup = systemLookup as Lookup } = options
  const trusted = new Set(options.trustedOrigins.map(originOf))
  // Our own deadline covers the whole exchange.
  const limits = { connections: connectionsPerOrigin, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 }
  const guarded = new Agent({
    ...limits,
    connect: { timeout: connectTimeoutMs, lookup: guardLookup(lookup, allowPrivateNetwork) },
  })
  const open = new Agent({ ...limits, connect: { timeout: connectTimeoutMs, lookup } })

  async function hop(
    url: URL,
    request: OutboundRequest,
    deadlineMs: number,
    trusts: ReadonlySet<string>,
  ): Promise<OutboundReply> {
    const isTrusted = trusts.has(url.origin)
    checkUrl(url, isTrusted || allowPrivateNetwork)
    const address = literalAddress(url.hostname)
    if (address && !isTrusted) checkAddress(address, url.hostname, allowPrivateNetwork)
    return exchange(isTrusted ? open : guarded, url, request, deadlineMs)
  }

  /** A door that trusts these origins. */
  const door = (trusts: ReadonlySet<string>): Outbound => ({
    async request(request) {
      const deadlineMs = monotonicMs() + (request.timeoutMs ?? defaultTimeoutMs)
      let current = request
      let url = parse(request.url)
      for (let left = redirectsOf(request); ; left -= 1) {
        const first = current === request
        const reply = await hop(url, current, deadlineMs, trusts).catch((error: unknown) => {
          if (!(error instanceof OutboundError)) throw error
          if (error.reason === 'private_address') log.warn({ host: url.host, redirected: !first }, error.message)
          // What the first address answered is already known to it.
          throw first || error.sent ? error : new OutboundError(error.reason, true, error.message, error.cause)
        })
        const next =
          left > 0 && redirects.has(reply.status) ? URL.parse(reply.headers['location'] ?? '', url.href) : null
        if (!next) return reply
        current = { ...current, headers: next.origin === url.origin ? current.headers : harmless(current.headers) }
        url = next
      }
    },
  })

  return {
    ...door(trusted),
    web: door(new Set()),
    trust: (origin) => void trusted.add(originOf(origin)),
    async close() {
      await Promise.all([guarded.close(), open.close()])
    },
  }
}

const redirects = new Set([301, 302, 303, 307, 308])

function redirectsOf({ method = 'GET', redirects: wanted = 0 }: OutboundRequest): number {
  return method === 'GET' || method === 'HEAD' ? wanted : 0
}

/** What may follow a redirect to another origin: nothing that could be a login. */
function harmless(headers: Record<string, string> = {}): Record<string, string> {
  const kept = ['accept', 'accept-language', 'user-agent', 'range']
  return Object.fromEntries(Object.entries(headers).filter(([name]) => kept.includes(name.toLowerCase())))
}

function originOf(address: string): string {
  return new URL(address).origin
}

function parse(address: string): URL {
  const url = URL.parse(address)
  if (!url) throw new OutboundError('bad_url', false, 'The address is not a URL.')
  return url
}

/** One request and its whole answer, without redirects. */
function exchange(agent: Agent, url: URL, request: OutboundRequest, deadlineMs: number): Promise<OutboundReply> {
  const { method = 'GET', headers, body, maxBytes = defaultMaxBytes, cut = false, signal } = request
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let bytes = 0
    let status = 0
    let answered: Record<string, string> = {}
    let controller: Dispatcher.DispatchController | null = null
    let ended: OutboundError | null = null
    let disarm = armDeadline(deadlineMs, () => stop('timeout', `${url.host} did not answer in time.`))
    const onAbort = () => stop('aborted', `The request to ${url.host} was given up.`)

    function settle(): void {
      disarm()
      disarm = () => {}
      signal?.removeEventListener('abort', onAbort)
    }
    /** Ends the exchange from our side; what has not begun is never written. */
    function stop(reason: OutboundError['reason'], message: string): void {
      if (ended) return
      ended = new OutboundError(reason, controller !== null, message)
      settle()
      reject(ended)
      controller?.abort(ended)
    }

    function finish(): void {
      settle()
      const encoding = method === 'HEAD' ? undefined : answered['content-encoding']
      decodeBody(Buffer.concat(parts), encoding, maxBytes).then(
        (whole) => resolve({ status, headers: answered, body: whole, url: url.href }),
        (error: unknown) => reject(unreadable(error, url, maxBytes)),
      )
    }
    function enough(): void {
      finish()
      ended = new OutboundError('too_large', true, tooLarge(url, maxBytes))
      controller?.abort(ended)
    }

    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    const handler: Dispatcher.DispatchHandler = {
      // Called right before the first byte is written: until then nothing can have reached the other side.
      onRequestStart(started) {
        if (ended) started.abort(ended)
        else controller = started
      },
      onResponseStart(_, statusCode, received) {
        // Early hints (1xx) come this way too; the last one called is the answer.
        status = statusCode
        answered = flat(received)
        const announced = method === 'HEAD' ? 0 : Number(answered['content-length'])
        if (!cut && announced > maxBytes) stop('too_large', tooLarge(url, maxBytes))
      },
      onResponseData(_, chunk) {
        if (ended) return
        const room = maxBytes - bytes
        bytes += chunk.length
        parts.push(chunk.subarray(0, room))
        if (bytes <= maxBytes) return
        if (cut) enough()
        else stop('too_large', tooLarge(url, maxBytes))
      },
      onResponseEnd() {
        if (!ended) finish()
      },
      onResponseError(_, error) {
        if (ended) return
        settle()
        reject(failureOf(error, url, controller !== null))
      },
    }
    agent.dispatch(
      {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method,
        headers: { 'user-agent': 'Belfry', 'accept-encoding': 'identity', ...headers },
        body: body ?? null,
      },
      handler,
    )
  })
}

/** Timers are cut at 60 s (runtime/timer.ts): a longer wait is armed again. */
function armDeadline(deadlineMs: number, run: () => void): () => void {
  let cancel = () => {}
  const arm = () => {
    const leftMs = deadlineMs - monotonicMs()
    if (leftMs <= 0) run()
    else cancel = later(leftMs, arm)
  }
  cancel = later(Math.max(deadlineMs - monotonicMs(), 0), arm)
  return () => cancel()
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const pairs = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value])
  return Object.fromEntries(pairs)
}

function tooLarge(url: URL, maxBytes: number): string {
  return `${url.host} answered with more than ${maxBytes} bytes.`
}

function unreadable(error: unknown, url: URL, maxBytes: number): OutboundError {
  const large = codeOf(error) === 'ERR_BUFFER_TOO_LARGE'
  const message = large ? tooLarge(url, maxBytes) : `${url.host} answered with a body that cannot be decoded.`
  return new OutboundError(large ? 'too_large' : 'cut', true, message, error)
}
