import type { FastifyInstance, FastifyReply } from 'fastify'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { BelfryError } from '../model/errors.ts'
import type { RateLimit } from './parts.ts'

interface Window {
  /** As the compatible API names it. */
  name: 'per_second_use' | 'per_minute_use'
  seconds: number
  limit: number
  limiter: RateLimiterMemory
}

/** Counts requests per API key in this process; both windows apply. Runs after the key is known. */
export function limitRates(app: FastifyInstance, limit: RateLimit | null): void {
  if (!limit) return
  const windows: Window[] = [
    windowOf('per_second_use', 1, limit.perSecond),
    windowOf('per_minute_use', 60, limit.perMinute),
  ]
  const policy = windows.map(({ name, limit, seconds }) => `"${name}";q=${limit};w=${seconds}`).join(', ')
  app.addHook('onRequest', async (request, reply) => {
    const states: string[] = []
    reply.header('ratelimit-policy', policy)
    for (const window of windows) {
      const state = await consume(window, request.caller.key.id)
      const seconds = Math.max(1, Math.ceil(state.msBeforeNext / 1000))
      states.push(`"${window.name}";r=${state.remainingPoints};t=${seconds}`)
      reply.header('ratelimit', states.join(', '))
      if (state.consumedPoints > window.limit) refuse(reply, window, seconds)
    }
  })
}

function windowOf(name: Window['name'], seconds: number, limit: number): Window {
  return { name, seconds, limit, limiter: new RateLimiterMemory({ keyPrefix: name, points: limit, duration: seconds }) }
}

/** The limiter rejects with the same kind of answer when the window is used up. */
async function consume(window: Window, keyId: string): Promise<RateLimiterRes> {
  try {
    return await window.limiter.consume(keyId)
  } catch (answer) {
    if (answer instanceof RateLimiterRes) return answer
    throw answer
  }
}

function refuse(reply: FastifyReply, window: Window, seconds: number): never {
  reply.headers({
    'retry-after': String(Math.min(seconds, 60)),
    'x-rate-limit-limit': String(window.limit),
    'x-rate-limit-remaining': '0',
    'x-rate-limit-reset': String(seconds),
    'x-rate-limit-name': window.name,
    'x-rate-limit-duration': String(window.seconds),
  })
  throw new BelfryError('rate_limited')
}
