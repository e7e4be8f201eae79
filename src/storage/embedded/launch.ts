import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, open, readFile, rmdir, stat, statfs } from 'node:fs/promises'
import { basename } from 'node:path'
import { StartError } from '../../model/errors.ts'
import { monotonicMs } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { sleep } from '../../runtime/timer.ts'
import { majorOf, program, removeOtherCopies } from './binaries.ts'
import { removeUnfinished } from './cluster.ts'
import { readPidFile } from './pid-file.ts'
import type { Place } from './place.ts'
import { serverSettings } from './settings.ts'
import { shelterOf } from './shelter.ts'
import { makeSocketDir, randomPort, socketDirName, socketPort } from './socket-dir.ts'
import { spawnAs } from './user.ts'

export interface LaunchOptions {
  log: Logger
  /** Over Belfry's own. */
  settings: Record<string, string>
  /** Ends the waiting with an error. */
  signal: AbortSignal
}

/** A start or a stop under way is waited for this long; recovery after a power cut can take minutes. */
export const busyLimitMs = 300_000
/** Then a line says what is waited for. */
export const tellAfterMs = 5_000
export const pollMs = 20
const lastPorts = new Map<string, number>()

/** Starts postgres. Null when it is ready or busy getting there; what it printed when it ended instead. */
export async function launch(place: Place, options: LaunchOptions): Promise<string | null> {
  const { binaries, cluster, logFile, record, user } = place
  const loopback = record.password !== null
  // A pool keeps its port, so a restart does.
  const port = loopback ? (lastPorts.get(cluster) ?? randomPort()) : socketPort
  const socketDir = loopback ? null : await makeSocketDir(place)
  const output = await open(logFile, 'a', 0o600)
  await chmod(logFile, 0o600).catch(() => {})
  const { size } = await stat(logFile)
  const parameters = Object.entries({ ...serverSettings(majorOf(binaries), { port, socketDir }), ...options.settings })
  const child = spawn(
    program(binaries, 'postgres'),
    ['-D', cluster, ...parameters.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // A group of its own: Ctrl-C in the terminal is for us, and we stop it in order.
    { ...spawnAs(user), detached: true, stdio: ['ignore', output.fd, output.fd] },
  )
  child.unref()
  try {
    const failure = await endOrReady(child, place, options)
    if (failure === null) {
      lastPorts.set(cluster, port)
      // Tidying may meet another starter at work; what stays goes the next time.
      await removeUnfinished(place.home).catch(() => {})
      await removeOtherCopies(binaries, shelterOf(record)).catch(() => {})
      return null
    }
    const printed = (await readFile(logFile)).subarray(size).toString('utf8')
    // Where another starter was faster, it may be about to use the usual one.
    const shared = /already exists/.test(printed) && basename(socketDir ?? '') === socketDirName(record.id)
    if (socketDir !== null && !shared) await rmdir(socketDir).catch(() => {})
    if (printed.trim() !== '') return printed
    // On a full disk it cannot even write why.
    const { bavail, bsize } = await statfs(place.home)
    return bavail * bsize < 1_048_576 ? `FATAL: No space left on device` : failure
  } finally {
    await output.close()
  }
}

async function endOrReady(child: ChildProcess, place: Place, options: LaunchOptions): Promise<string | null> {
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
    if (waitedMs > busyLimitMs || options.signal.aborted) throw notReady(place, waitedMs)
    if (waitedMs > tellAfterMs && !told) {
      told = true
      options.log.warn({ pid: child.pid }, 'PostgreSQL is recovering')
    }
    await sleep(pollMs)
  }
}

export function notReady(place: Place, waitedMs: number): StartError {
  return new StartError(
    `PostgreSQL in ${place.cluster} is not ready after ${Math.round(waitedMs / 1_000)} seconds; see ${place.logFile}, then start again.`,
  )
}
