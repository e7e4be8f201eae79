/**
 * For tests alone: ends the process the hard way (SIGKILL) at a named point of a delivery, to prove that none of them
 * loses or doubles a post. Wraps what attempts are built of, so that the way that is tested is the way that runs.
 */

import { later } from '../runtime/timer.ts'
import type { Outbound } from '../security/outbound.ts'
import type { AttemptParts } from './attempt.ts'
import type { Ledger } from './ledger.ts'

export const crashPoints = [
  'before-checkpoint',
  'after-checkpoint',
  'before-mark',
  'after-mark',
  'before-request',
  'during-request',
  'after-reply',
  'before-outcome',
  'after-outcome',
] as const
export type CrashPoint = (typeof crashPoints)[number]

/** A request is surely written and surely not yet answered by a slow platform after this long, in milliseconds. */
const onItsWayMs = 40

export function withCrashPoints(parts: AttemptParts, point: CrashPoint): AttemptParts {
  const at = (name: CrashPoint) => {
    if (name === point) process.kill(process.pid, 'SIGKILL')
  }
  let marked = false
  const ledger: Ledger = {
    async progress(step) {
      const kind = step.mark ? 'mark' : 'checkpoint'
      at(`before-${kind}`)
      const held = await parts.ledger.progress(step)
      at(`after-${kind}`)
      if (step.mark) marked = true
      return held
    },
    async settle(end) {
      at('before-outcome')
      const settled = await parts.ledger.settle(end)
      at('after-outcome')
      return settled
    },
    release: (down) => parts.ledger.release(down),
  }
  /** Only requests after a mark can make something visible. */
  function watched(http: Outbound): Outbound {
    return {
      async request(request) {
        if (!marked) return http.request(request)
        at('before-request')
        if (point === 'during-request') later(onItsWayMs, () => at('during-request'))
        const reply = await http.request(request)
        at('after-reply')
        return reply
      },
    }
  }
  return { ...parts, ledger, http: (name) => watched(parts.http(name)) }
}
