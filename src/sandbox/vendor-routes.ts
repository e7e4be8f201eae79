import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../runtime/clock.ts'
import { monotonicMs } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { sleep } from '../runtime/timer.ts'
import type { Call, Emulator, VendorReply, VendorRequest } from './emulator.ts'
import type { Fault, Faults } from './faults.ts'
import type { RequestLog, SeenRequest } from './request-log.ts'

export interface Vendors {
  emulators: readonly Emulator[]
  faults: Faults
  requests: RequestLog
  clock: Clock
  log: Logger
}

/** Largest vendor request body, in bytes; each emulator refuses its own vendor's limits far below. */
const maxVendorBodyBytes = 115_000_000

/** Serves `https://H/P` of each platform at `/{platform}/H/P` and `/sandbox/{platform}/H/P`. */
export function vendorRoutes(app: FastifyInstance, vendors: Vendors): void {
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())
  for (const emulator of vendors.emulators) {
    for (const prefix of [`/${emulator.platform}/`, `/sandbox/${emulator.platform}/`]) {
      app.route({
        method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
        url: `${prefix}*`,
        bodyLimit: maxVendorBodyBytes,
        handler: (request, reply) =>
          serve(emulator, vendors, readRequest(request, prefix, vendors.clock), reply, closing.signal),
      })
    }
  }
}

function readRequest(request: FastifyRequest, prefix: string, clock: Clock): VendorRequest {
  const url = request.raw.url ?? prefix
  const mark = url.indexOf('?')
  const rest = url.slice(prefix.length, mark === -1 ? undefined : mark)
  const slash = rest.indexOf('/')
  return {
    method: request.method,
    host: decodeURIComponent(slash === -1 ? rest : rest.slice(0, slash)).toLowerCase(),
    path: slash === -1 ? '/' : rest.slice(slash),
    query: new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1)),
    headers: request.headers,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    receivedAt: clock.now(),
  }
}

async function serve(
  emulator: Emulator,
  vendors: Vendors,
  request: VendorRequest,
  reply: FastifyReply,
  closing: AbortSignal,
): Promise<unknown> {
  const startMs = monotonicMs()
  const call = emulator.read(request)
  const fault = vendors.faults.take(emulator.platform, call)
  const seen = vendors.requests.add({
    ...request,
    platform: emulator.platform,
    userId: call.userId,
    problem: call.problem,
    fault: fault?.kind ?? null,
    status: null,
    tookMs: null,
  })
  const answer = await faced(emulator, vendors, call, fault, seen)
  if (fault && seen.fault) await hold(fault.afterMs, reply, closing)
  seen.tookMs = Math.round(monotonicMs() - startMs)
  if (answer === 'drop') return drop(reply)
  seen.status = answer.status
  return reply
    .code(answer.status)
    .headers(answer.headers ?? {})
    .type(answer.contentType)
    .send(answer.body)
}

/** What the request gets, with its fault; 'drop' closes the connection. */
async function faced(
  emulator: Emulator,
  { faults, log }: Vendors,
  call: Call,
  fault: Fault | null,
  seen: SeenRequest,
): Promise<VendorReply | 'drop'> {
  switch (fault?.kind) {
    case undefined:
    case 'slow':
      return answerOf(emulator, call, log)
    case 'rate_limit':
    case 'server_error':
    case 'reject_content':
      return emulator.refuse(fault.kind, fault.retryAfterS)
    case 'drop_before':
      return 'drop'
    case 'drop_after': {
      const answer = await answerOf(emulator, call, log)
      if (answer.status < 400) return 'drop'
      faults.giveBack(fault)
      seen.fault = null
      return answer
    }
    case 'expire_token':
    case 'revoke_token':
    case 'lose_media':
      await call.disturb(fault.kind)
      return answerOf(emulator, call, log)
  }
}

async function answerOf(emulator: Emulator, call: Call, log: Logger): Promise<VendorReply> {
  try {
    return await call.answer()
  } catch (error) {
    log.error({ platform: emulator.platform, err: error }, 'a sandbox platform could not answer')
    return emulator.refuse('server_error', 0)
  }
}

/** Waits, unless the caller hangs up or the server is closing. */
async function hold(ms: number, reply: FastifyReply, closing: AbortSignal): Promise<void> {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  const ended = AbortSignal.any([gone.signal, closing])
  const untilMs = monotonicMs() + ms
  for (let leftMs = ms; leftMs > 0 && !ended.aborted; leftMs = untilMs - monotonicMs()) await sleep(leftMs, ended)
}

function drop(reply: FastifyReply): void {
  reply.hijack()
  reply.raw.socket?.destroy()
}
