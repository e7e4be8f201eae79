import type pg from 'pg'
import { StartError } from '../model/errors.ts'
import { monotonicMs } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { sleep } from '../runtime/timer.ts'
import { isAway } from './database.ts'
import { type Binaries, findBinaries } from './embedded/binaries.ts'
import { prepareCluster } from './embedded/cluster.ts'
import { boundLog } from './embedded/log-file.ts'
import { openPlace, type Place } from './embedded/place.ts'
import { leaveSeat, type Seat, takeSeat } from './embedded/seat.ts'
import { ensureRunning } from './embedded/server.ts'
import { stopServer } from './embedded/stop.ts'

export interface EmbeddedOptions {
  /** Holds postgres.json, postgres.log and, where PostgreSQL's user can reach it, the database. */
  dataDir: string
  log: Logger
  /** `dev` and `serve`: refused while another one runs on this data directory. */
  exclusive: boolean
  /** @default those that npm installed for this machine */
  binaries?: Binaries
  /** Users that root may run PostgreSQL as, first one first. @default postgres, nobody */
  users?: readonly string[]
  /** Listen on 127.0.0.1 with a password. @default only where there are no Unix sockets */
  loopback?: boolean
  /** PostgreSQL settings over Belfry's own. */
  settings?: Record<string, string>
}

export interface EmbeddedPostgres {
  /** For `openDatabase`. */
  config: pg.PoolConfig
  /** True when the server ran already: left behind by a killed process, or another command's. */
  adopted: boolean
  /** Stops the server, adopted or not, unless another process uses it; the last one to leave stops it. */
  stop(): Promise<void>
}

/** A restart that fails is tried again after this long, doubling. */
const retryMs = 250
const maxRetryMs = 10_000

/**
 * Starts or joins the PostgreSQL of a data directory and keeps it running: if it dies, it is started again.
 * @throws {StartError} with one line that says what to do
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log, exclusive, settings = {} } = options
  const beganMs = monotonicMs()
  const place = await openPlace({
    dataDir: options.dataDir,
    binaries: options.binaries ?? (await findBinaries()),
    users: options.users,
    loopback: options.loopback ?? process.platform === 'win32',
  })
  await prepareCluster(place, log)

  const join = async () => {
    for (;;) {
      const running = await ensureRunning(place, log, settings)
      try {
        return { ...running, seat: await takeSeat(running.config, { exclusive, dataDir: place.dataDir }) }
      } catch (error) {
        // It was stopped by the last one to leave, or died, while we came in.
        if (!isAway(error)) throw error
        await sleep(50)
      }
    }
  }
  const first = await join()
  const ms = Math.round(monotonicMs() - beganMs)
  log.info({ adopted: first.adopted, directory: place.cluster, ms }, 'PostgreSQL runs')

  const stopping = new AbortController()
  const state: { seat: Seat | null } = { seat: first.seat }
  const stopLog = boundLog(place.logFile)
  const ended = keep()

  async function keep(): Promise<void> {
    const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()))
    while (!stopping.signal.aborted) {
      await Promise.race([state.seat?.lost, stopped])
      if (stopping.signal.aborted) return
      state.seat = null
      log.warn({}, 'the session to PostgreSQL ended; looking for the server')
      state.seat = await rejoin()
    }
  }

  async function rejoin(): Promise<Seat | null> {
    for (let waitMs = retryMs; !stopping.signal.aborted; waitMs = Math.min(waitMs * 2, maxRetryMs)) {
      try {
        const { seat, adopted, config } = await join()
        Object.assign(first.config, config)
        log.warn({ restarted: !adopted }, 'PostgreSQL answers again')
        return seat
      } catch (error) {
        log.error({ err: error instanceof StartError ? undefined : error, wait_ms: waitMs }, lineOf(error))
        await sleep(waitMs, stopping.signal)
      }
    }
    return null
  }

  return {
    config: first.config,
    adopted: first.adopted,
    async stop() {
      if (stopping.signal.aborted) return ended
      stopping.abort()
      stopLog()
      await ended
      await leave(place, state.seat, log)
    },
  }
}

async function leave(place: Place, seat: Seat | null, log: Logger): Promise<void> {
  if (seat !== null && !(await leaveSeat(seat))) {
    await seat.client.end().catch(() => {})
    return
  }
  await stopServer(place, log)
  await seat?.client.end().catch(() => {})
}

function lineOf(error: unknown): string {
  return error instanceof StartError ? error.message : 'PostgreSQL could not be started again; trying again'
}
