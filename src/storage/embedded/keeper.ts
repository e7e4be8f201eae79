import { StartError } from '../../model/errors.ts'
import { monotonicMs } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { sleep } from '../../runtime/timer.ts'
import { isAway } from '../database.ts'
import type { Place } from './place.ts'
import { explainError } from './problems.ts'
import { type Seat, takeSeat } from './seat.ts'
import { ensureRunning, type Running } from './server.ts'
import { stopServer } from './stop.ts'

export interface KeeperOptions {
  place: Place
  log: Logger
  exclusive: boolean
  settings: Record<string, string>
}

export interface Keeper {
  first: Running
  /** Watches no longer. The seat that is held, null when the server is away. */
  stop(): Promise<Seat | null>
}

/** A restart that fails is tried again after this long, doubling. */
const retryMs = 250
const maxRetryMs = 10_000
/** A server that answers and then refuses the session, for example because all its connections are taken. */
const joinLimitMs = 30_000

/**
 * Takes a seat at the place's server, and takes it again, starting the server if need be, whenever the session ends:
 * that is how a death shows, whoever started it.
 * @throws {StartError} when the first seat cannot be had
 */
export async function keepRunning(options: KeeperOptions): Promise<Keeper> {
  const { log } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const { seat: firstSeat, ...first } = await join(options, signal)
  const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))

  async function keep(): Promise<Seat | null> {
    let seat: Seat | null = firstSeat
    while (seat !== null) {
      await Promise.race([seat.lost, stopped])
      if (signal.aborted) return seat
      log.warn({}, 'the session to PostgreSQL ended; looking for the server')
      seat = await rejoin()
    }
    return null
  }

  async function rejoin(): Promise<Seat | null> {
    for (let waitMs = retryMs; !signal.aborted; waitMs = Math.min(waitMs * 2, maxRetryMs)) {
      try {
        const { seat, adopted } = await join(options, signal)
        log.warn({ restarted: !adopted }, 'PostgreSQL answers again')
        return seat
      } catch (error) {
        if (signal.aborted) break
        const line = error instanceof StartError ? error.message : 'PostgreSQL could not be started again'
        log.error({ err: error instanceof StartError ? undefined : error, retry_ms: waitMs }, line)
        await sleep(waitMs, signal)
      }
    }
    return null
  }

  const ended = keep()
  return {
    first,
    stop() {
      stopping.abort()
      return ended
    },
  }
}

async function join(options: KeeperOptions, signal: AbortSignal): Promise<Running & { seat: Seat }> {
  const { place, log, exclusive, settings } = options
  const beganMs = monotonicMs()
  for (;;) {
    const running = await ensureRunning(place, { log, settings, signal })
    try {
      return { ...running, seat: await takeSeat(running.config, { exclusive, dataDir: place.dataDir }) }
    } catch (error) {
      if (error instanceof StartError) throw error
      // Else it was stopped by the last one to leave, or died, while we came in.
      if (!isAway(error) || monotonicMs() - beganMs > joinLimitMs) {
        if (!running.adopted) await stopServer(place, log)
        throw explainError(error, place.cluster)
      }
      await sleep(50, signal)
    }
  }
}
