import type pg from 'pg'
import { monotonicMs } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { sleep } from '../../runtime/timer.ts'
import { configOf, probe } from './connection.ts'
import { busyLimitMs, type LaunchOptions, launch, notReady, pollMs, tellAfterMs } from './launch.ts'
import { isAlive, isServerOf, readPidFile, removeEmptyPidFile, removeStale } from './pid-file.ts'
import type { Place } from './place.ts'
import { explain } from './problems.ts'
import { stopServer } from './stop.ts'

/** A server that answers. */
export interface Running {
  config: pg.PoolConfig
  /** True when it ran already. */
  adopted: boolean
}

/** A server whose socket is not there is waited for this long, then replaced: one that starts, one that was ready. */
const silentLimitMs = { starting: 15_000, ready: 2_000 }

/**
 * The server of this place: the one that runs, after waiting for a start, a recovery or a stop that is under way;
 * else a new one. Safe from several processes at once: PostgreSQL's own pid file lets one of them win.
 * @throws {StartError} with one line when it cannot run
 */
export async function ensureRunning(place: Place, options: LaunchOptions): Promise<Running> {
  const { log, signal } = options
  const beganMs = monotonicMs()
  let launched = false
  let silentSinceMs: number | null = null
  let told = false
  for (;;) {
    const state = await probe(place)
    if (state.kind === 'running') return { config: configOf(place, state.pidFile), adopted: !launched }
    const waitedMs = monotonicMs() - beganMs
    if (waitedMs > busyLimitMs || signal.aborted) throw notReady(place, waitedMs)
    silentSinceMs = state.kind === 'silent' ? (silentSinceMs ?? monotonicMs()) : null
    if (state.kind === 'none') {
      const ended = await launch(place, options)
      if (ended !== null && !(await isWorthAnotherTry(ended, place))) throw explain(ended, place.cluster)
      launched = ended === null
    } else if (silentSinceMs !== null) await settleSilent(place, monotonicMs() - silentSinceMs, log)
    else if (waitedMs > tellAfterMs && !told) {
      told = true
      log.warn({}, 'waiting for PostgreSQL to start, recover or stop')
    }
    await sleep(pollMs)
  }
}

/** Another starter was faster, the children of a killed server still hold its memory, or the port is taken: look again. */
async function isWorthAnotherTry(printed: string, place: Place): Promise<boolean> {
  if (/lock file ".*" is empty/.test(printed)) return removeEmptyPidFile(place.cluster)
  return /lock file ".*" already exists|pre-existing shared memory block|Address already in use/i.test(printed)
}

/** A pid file whose process does not answer: another program got its number, or its socket was deleted. */
async function settleSilent(place: Place, silentMs: number, log: Logger): Promise<void> {
  const { cluster } = place
  const pidFile = await readPidFile(cluster)
  if (pidFile === null) return
  if (!(await isServerOf(pidFile.pid, cluster))) {
    if (isAlive(pidFile.pid)) await removeStale(cluster, pidFile)
  } else if (silentMs > silentLimitMs[pidFile.state === 'ready' ? 'ready' : 'starting']) {
    log.warn({ pid: pidFile.pid }, 'PostgreSQL runs but its socket is gone; starting it again')
    await stopServer(place, log)
  }
}
