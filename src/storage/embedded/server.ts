import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, open, readFile, stat } from 'node:fs/promises'
import type pg from 'pg'
import { StartError } from '../../model/errors.ts'
import { monotonicMs } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { sleep } from '../../runtime/timer.ts'
import { majorOf, program } from './binaries.ts'
import { configOf, freePort, makeSocketDir, probe, socketPort } from './connection.ts'
import { isAlive, isServerOf, readPidFile, removeStale } from './pid-file.ts'
import type { Place } from './place.ts'
import { explain } from './problems.ts'
import { serverSettings } from './settings.ts'
import { stopServer } from './stop.ts'
import { spawnAs } from './user.ts'

/** A server that answers. */
export interface Running {
  config: pg.PoolConfig
  /** True when it ran already. */
  adopted: boolean
}

/** A start or a stop under way is waited for this long; recovery after a power cut can take minutes. */
const busyLimitMs = 300_000
/** A process that has a pid file but no socket is waited for this long, then replaced. */
const silentLimitMs = 15_000
const tellAfterMs = 5_000
const pollMs = 20

/**
 * The server of this place: the one that runs, after waiting for a start, a recovery or a stop that is under way;
 * else a new one. Safe from several processes at once: PostgreSQL's own pid file lets one of them win.
 * @throws {StartError} with one line when it cannot run
 */
export async function ensureRunning(place: Place, log: Logger, settings: Record<string, string>): Promise<Running> {
  const beganMs = monotonicMs()
  let launched = false
  let told = false
  for (;;) {
    const state = await probe(place)
    if (state.kind === 'running') return { config: configOf(place, state.pidFile), adopted: !launched }
    const waitedMs = monotonicMs() - beganMs
    if (waitedMs > busyLimitMs) throw notReady(place)
    if (state.kind === 'none') {
      const ended = await launch(place, settings, log)
      if (ended !== null && !isTaken(ended)) throw explain(ended, place.cluster)
      launched = ended === null
    } else if (state.kind === 'silent') await settleSilent(place, waitedMs, log)
    else if (waitedMs > tellAfterMs && !told) {
      told = true
      log.warn({}, 'waiting for PostgreSQL to start, recover or stop')
    }
    await sleep(pollMs)
  }
}

/** Another starter was faster, or the children of a killed server still hold its memory: look again. */
function isTaken(printed: string): boolean {
  return /lock file ".*" already exists|is another postmaster|pre-existing shared memory block/i.test(printed)
}

/** A pid file whose process does not answer: another program got its number, or its socket was deleted. */
async function settleSilent(place: Place, waitedMs: number, log: Logger): Promise<void> {
  const { cluster } = place
  const pidFile = await readPidFile(cluster)
  if (pidFile === null) return
  if (!(await isServerOf(pidFile.pid, cluster))) {
    if (isAlive(pidFile.pid)) await removeStale(cluster, pidFile)
  } else if (waitedMs > silentLimitMs) {
    log.warn({ pid: pidFile.pid }, 'PostgreSQL runs but its socket is gone; starting it again')
    await stopServer(place, log)
  }
}

/** Starts postgres. Null when it is ready or busy getting there; what it printed when it ended instead. */
async function launch(place: Place, settings: Record<string, string>, log: Logger): Promise<string | null> {
  const { binaries, cluster, logFile, record, user } = place
  const loopback = record.password !== null
  const port = loopback ? await freePort() : socketPort
  const socketDir = loopback ? null : await makeSocketDir(place)
  const output = await open(logFile, 'a', 0o600)
  await chmod(logFile, 0o600).catch(() => {})
  const { size } = await stat(logFile)
  const parameters = Object.entries({ ...serverSettings(majorOf(binaries), { port, socketDir }), ...settings })
  const child = spawn(
    program(binaries, 'postgres'),
    ['-D', cluster, ...parameters.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // A group of its own: Ctrl-C in the terminal is for us, and we stop it in order.
    { ...spawnAs(user), detached: true, stdio: ['ignore', output.fd, output.fd] },
  )
  child.unref()
  try {
    const failure = await endOrReady(child, place, log)
    if (failure === null) return null
    const printed = (await readFile(logFile)).subarray(size).toString('utf8')
    return printed.trim() === '' ? failure : printed
  } finally {
    await output.close()
  }
}

async function endOrReady(child: ChildProcess, place: Place, log: Logger): Promise<string | null> {
  let failure: string | null = null
  child.once('error', (error) => {
    failure = error.message
  })
  child.once('exit', (code, signal) => {
    failure ??= `it ended with ${signal ?? `code ${code}`}`
  })
  const beganMs = monotonicMs()
  let told = false
  for (;;) {
    if (failure !== null) return failure
    const pidFile = await readPidFile(place.cluster)
    if (pidFile?.pid === child.pid && pidFile?.state === 'ready') return null
    const waitedMs = monotonicMs() - beganMs
    if (waitedMs > busyLimitMs) throw notReady(place)
    if (waitedMs > tellAfterMs && !told) {
      told = true
      log.warn({ pid: child.pid }, 'PostgreSQL is recovering')
    }
    await sleep(pollMs)
  }
}

function notReady(place: Place): StartError {
  return new StartError(
    `PostgreSQL in ${place.cluster} is not ready after ${busyLimitMs / 60_000} minutes; see ${place.logFile}, then start again.`,
  )
}
