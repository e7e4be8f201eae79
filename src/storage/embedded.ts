import type pg from 'pg'
import { monotonicMs } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { type Binaries, findBinaries } from './embedded/binaries.ts'
import { prepareCluster } from './embedded/cluster.ts'
import { keepRunning } from './embedded/keeper.ts'
import { boundLog } from './embedded/log-file.ts'
import { openPlace } from './embedded/place.ts'
import { explainFile } from './embedded/problems.ts'
import { leaveSeat } from './embedded/seat.ts'
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
  await prepareCluster(place, log).catch((error) => {
    throw explainFile(error, place.cluster)
  })
  const keeper = await keepRunning({ place, log, exclusive, settings }).catch((error) => {
    throw explainFile(error, place.cluster)
  })
  const { adopted, config } = keeper.first
  const ms = Math.round(monotonicMs() - beganMs)
  log.info({ adopted, directory: place.cluster, ms }, 'PostgreSQL runs')
  const stopLog = boundLog(place.logFile)

  let stopped: Promise<void> | null = null
  async function stop(): Promise<void> {
    stopLog()
    const seat = await keeper.stop()
    if (seat === null || (await leaveSeat(seat))) await stopServer(place, log)
    await seat?.client.end().catch(() => {})
  }
  return {
    config,
    adopted,
    stop() {
      stopped ??= stop()
      return stopped
    },
  }
}
