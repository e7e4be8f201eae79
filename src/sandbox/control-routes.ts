import { timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type PlatformName, platformNames } from '../model/platform.ts'
import type { Clock } from '../runtime/clock.ts'
import { sha256Of } from './blob-store.ts'
import { ControlError, choice, fieldsOf, readFault, readPublishedQuery, text, whole, wrong } from './control-input.ts'
import type { ReadyAccount } from './emulator.ts'
import type { Fault, Faults } from './faults.ts'
import type { RequestLog } from './request-log.ts'
import type { Timeline } from './timeline.ts'

export interface Control {
  timeline: Timeline
  faults: Faults
  requests: RequestLog
  clock: Clock
  movable: boolean
  /** Empties what the platforms hold, for good. */
  clear(): Promise<void>
  /** @throws {ControlError} when there is no emulator, or no such name can be had */
  createAccount(platform: PlatformName, username: string | null): Promise<ReadyAccount>
}

const hundredYearsMs = 3_155_760_000_000

/** The calls that steer the sandbox and look into it. */
export function controlRoutes(app: FastifyInstance, control: Control): void {
  const { timeline, faults, requests, clock } = control

  app.get('/sandbox/published', (request) => timeline.page(readPublishedQuery(queryOf(request))))

  app.delete('/sandbox/published', async () => {
    const removed = timeline.size()
    await control.clear()
    return { removed }
  })

  app.post('/sandbox/faults', (request, reply) =>
    reply.code(201).send(wireFault(faults.arm(readFault(bodyOf(request))))),
  )
  app.get('/sandbox/faults', () => ({ data: faults.list().map(wireFault) }))
  app.delete('/sandbox/faults', () => ({ disarmed: faults.disarm() }))

  app.get('/sandbox/requests', (request) => {
    const query = queryOf(request)
    const limit = whole(query, 'limit', 1, Number.MAX_SAFE_INTEGER) ?? 100
    return { data: requests.newest(limit, choice(query, 'platform', platformNames)) }
  })

  app.get('/sandbox/clock', () => ({ now: clock.now().toISOString() }))

  app.post('/sandbox/clock', (request) => {
    if (!control.movable) {
      throw new ControlError('This clock cannot be moved: only "belfry dev" has one that can.', 403)
    }
    moveClock(clock, bodyOf(request))
    return { now: clock.now().toISOString() }
  })

  app.post('/sandbox/accounts', async (request, reply) => {
    const fields = fieldsOf(bodyOf(request), ['platform', 'username'])
    const platform = choice(fields, 'platform', platformNames)
    if (!platform) wrong('platform', fields['platform'], `one of ${platformNames.join(', ')}`)
    return reply.code(201).send(await control.createAccount(platform as PlatformName, text(fields, 'username') ?? null))
  })
}

function moveClock(clock: Clock, body: unknown): void {
  const fields = fieldsOf(body, ['forward_ms', 'reset'])
  const forwardMs = whole(fields, 'forward_ms', 0, hundredYearsMs)
  const reset = fields['reset']
  if (reset !== undefined && typeof reset !== 'boolean') wrong('reset', reset, 'true or false')
  if ((forwardMs === undefined) === (reset !== true)) {
    throw new ControlError('body: takes either "forward_ms" (whole milliseconds from 0) or "reset": true')
  }
  if (forwardMs === undefined) clock.reset()
  else clock.forward(forwardMs)
}

function wireFault(fault: Fault): object {
  return {
    id: fault.id,
    kind: fault.kind,
    platform: fault.platform,
    user_id: fault.userId,
    on: fault.on,
    times: fault.times,
    hits: fault.hits,
    after_ms: fault.afterMs,
    retry_after_s: fault.retryAfterS,
  }
}

/** From the address itself: the server that this is mounted on may read queries its own way. */
export function queryOf(request: FastifyRequest): Record<string, unknown> {
  return Object.fromEntries(new URLSearchParams(request.raw.url?.split('?')[1] ?? ''))
}

/** JSON whatever the content type says, so that a plain `curl -d` works. */
function bodyOf(request: FastifyRequest): unknown {
  const body = request.body
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    throw new ControlError(`body: is not JSON (${(error as Error).message})`)
  }
}

/** Whether the request shows this key: as a bearer token, or as the password a browser asks for. */
export function showsKey(request: FastifyRequest, key: string): boolean {
  const [scheme, value = ''] = (request.headers.authorization ?? '').split(' ')
  const shown =
    scheme?.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : value
  return timingSafeEqual(sha256Of(shown), sha256Of(key))
}
