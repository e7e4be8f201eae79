/** Takes deliveries that are ready, runs each in an attempt under its lease, and writes what came of it. */

import { resolveContent } from '../content/resolve.ts'
import { type Ending, renew, somethingRunsAlone, type Take, take, takeOneAlone } from '../lifecycle/attempts.ts'
import type { HeldDelivery } from '../model/delivery.ts'
import { monotonicMs } from '../runtime/clock.ts'
import { type Service, startService } from '../runtime/service.ts'
import { every, later, sleep } from '../runtime/timer.ts'
import { type AttemptParts, LeaseLost, runAttempt } from './attempt.ts'
import { type EndMove, isPut } from './outcome.ts'

export interface WorkerOptions {
  /** Names this process in leases and history. */
  worker: string
  /** Most attempts at once. @default 256 */
  concurrency?: number
  /** How long a lease lasts without renewal, in milliseconds. @default 10000 */
  leaseMs?: number
  /** How often leases are renewed, in milliseconds. @default 3000 */
  renewEveryMs?: number
  /** How often it looks without being woken, in milliseconds. @default 1000 */
  sweepMs?: number
}

export interface Worker {
  nudge(): void
  /** Attempts under way. */
  inFlight(): number
  /**
   * Takes nothing new and waits `graceMs` for what runs; then cuts off what has sent nothing visible (it waits again,
   * and the attempt does not count) and gives what was sent as long again to learn its answer.
   */
  stop(graceMs?: number): Promise<void>
}

/**
 * Under load taking costs the same for one delivery as for fifty (it looks at every account that has something
 * waiting), so a busy worker waits this long, in milliseconds, or until a quarter of its places is free.
 * Measured with 10,000 waiting over 500 accounts: 6 to 17 ms a take, whatever its limit.
 */
const busyGapMs = 25

interface Running {
  held: HeldDelivery
  abort: AbortController
  committed: boolean
}

export function startWorker(parts: AttemptParts, options: WorkerOptions): Worker {
  const { db, clock, log, ledger } = parts
  const { worker, concurrency = 256, leaseMs = 10_000, renewEveryMs = 3_000, sweepMs = 1_000 } = options
  const running = new Map<string, Running>()
  let aloneLookedAt = Number.NEGATIVE_INFINITY
  let takenAtMs = Number.NEGATIVE_INFINITY
  let draining = false

  const order = (limit: number): Take => ({ worker, limit, leaseMs })

  async function runOnce(): Promise<number> {
    if (monotonicMs() - aloneLookedAt >= sweepMs) {
      aloneLookedAt = monotonicMs()
      draining = await somethingRunsAlone(db, clock)
    }
    if (draining) {
      if (running.size > 0) return sweepMs
      const alone = await takeOneAlone(db, clock, order(1))
      draining = alone !== null
      aloneLookedAt = Number.NEGATIVE_INFINITY
      if (alone) {
        start(alone)
        return sweepMs
      }
    }
    const free = concurrency - running.size
    if (free <= 0) return sweepMs
    const sinceMs = monotonicMs() - takenAtMs
    if (free < concurrency / 4 && sinceMs < busyGapMs) return busyGapMs - sinceMs
    takenAtMs = monotonicMs()
    const taken = await take(db, clock, order(free))
    for (const held of taken) start(held)
    return taken.length === free ? 0 : sweepMs
  }

  function start(held: HeldDelivery): void {
    const one: Running = { held, abort: new AbortController(), committed: false }
    running.set(held.id, one)
    void runOne(one).finally(() => {
      running.delete(held.id)
      service.nudge()
    })
  }

  async function runOne(one: Running): Promise<void> {
    const { held } = one
    const begunMs = monotonicMs()
    const facts = {
      post_id: held.postId,
      delivery_id: held.id,
      account_id: held.account.id,
      platform: held.platform,
      tries: held.tries,
    }
    try {
      const control = {
        signal: one.abort.signal,
        committed: () => {
          one.committed = true
        },
      }
      const { move, kind } = await runAttempt(held, parts, control)
      if (one.abort.signal.aborted && !one.committed && move.to === 'waiting') return await free(one)
      const line = { ...facts, from: held.state, to: move.to, ms: Math.round(monotonicMs() - begunMs) }
      if (isPut(move)) {
        const kept = await ledger.release({
          id: held.id,
          fence: held.fence,
          to: move.to,
          readyInMs: move.readyInMs,
          checkpoint: move.checkpoint,
          clearMark: move.clearMark,
          free: false,
          attempt: { kind, outcome: move.to === 'unsure' ? 'unsure' : 'retry', reason: move.reason },
        })
        later(move.readyInMs + 1, () => service.nudge())
        log.info({ ...line, kept, reason: move.reason, ready_in_ms: Math.round(move.readyInMs) }, 'delivery put back')
        return
      }
      const settled = await ledger.settle(ending(held, kind, move))
      if (!settled) log.warn(line, 'delivery was taken over before its outcome was written')
      else log.info({ ...line, code: move.code ?? undefined, reason: move.error ?? undefined }, `delivery ${move.to}`)
      if (settled?.processedPostId)
        log.info({ post_id: held.postId, from: 'processing', to: 'processed' }, 'post processed')
    } catch (error) {
      if (error instanceof LeaseLost) return free(one)
      // The rescuer takes it over when the lease runs out.
      log.error({ ...facts, err: error }, 'an attempt could not be written')
    }
  }

  /** Cut off before anything visible was sent. */
  async function free(one: Running): Promise<void> {
    const { id, fence, state } = one.held
    const to = state === 'unsure' ? 'unsure' : 'waiting'
    // A mark that this attempt itself stored was not followed by its request.
    const clearMark = one.held.mark === null && !one.committed
    const kept = await ledger
      .release({ id, fence, to, readyInMs: 0, checkpoint: null, clearMark, free: true, attempt: null })
      .catch(() => false)
    log.info({ post_id: one.held.postId, delivery_id: id, kept }, 'delivery cut off before it was sent')
  }

  const stopRenewing = every(renewEveryMs, () => {
    if (running.size === 0) return
    const held = [...running.values()]
    const holds = held.map(({ held: { id, fence } }) => ({ id, fence }))
    renew(db, holds, leaseMs)
      .then((ids) => {
        const still = new Set(ids)
        for (const one of held) if (!still.has(one.held.id) && !one.committed) one.abort.abort()
      })
      // The database is away: the lease may run out, and then the fence decides.
      .catch((error) => log.warn({ err: error }, 'leases could not be renewed'))
  })

  const service: Service = startService({ name: 'worker', log, runOnce })

  async function drained(ms: number): Promise<void> {
    const endMs = monotonicMs() + ms
    while (running.size > 0 && monotonicMs() < endMs) await sleep(20)
  }

  return {
    nudge: () => service.nudge(),
    inFlight: () => running.size,
    async stop(graceMs = 8_000) {
      await service.stop()
      await drained(graceMs)
      for (const one of running.values()) if (!one.committed) one.abort.abort()
      await drained(graceMs)
      stopRenewing()
    },
  }
}

function ending(held: HeldDelivery, kind: 'publish' | 'look', move: EndMove): Ending {
  const { error, code, details, platformData, reconnect, to } = move
  return {
    id: held.id,
    fence: held.fence,
    postId: held.postId,
    projectId: held.projectId,
    accountId: held.account.id,
    outcome: to,
    error,
    code,
    details,
    platformData,
    media: resolveContent(held.content, held.platform, held.account.id).media,
    attempt: { kind, outcome: code ?? to, reason: error },
    reconnect,
    sealed: held.account.sealedCredentials,
  }
}
