import { readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { monotonicMs } from '../../runtime/clock.ts'
import type { Logger } from '../../runtime/log.ts'
import { sleep } from '../../runtime/timer.ts'
import { program } from './binaries.ts'
import { isAlive, isServerOf, readPidFile } from './pid-file.ts'
import type { Place } from './place.ts'
import { run } from './user.ts'

/** Fast shutdown writes a checkpoint, so it may take as long as the disk needs; immediate is the power cut. */
const fastLimitMs = 30_000
const immediateLimitMs = 10_000

/** Stops the server of this place, if it runs: fast, then immediate, then killed. Leaves no socket directory. */
export async function stopServer(place: Place, log: Logger): Promise<void> {
  const pidFile = await readPidFile(place.cluster)
  if (pidFile === null) return
  const { pid, socketDir } = pidFile
  if (await isServerOf(pid, place.cluster)) {
    const ended =
      (await shutDown(place, pid, 'fast', fastLimitMs)) || (await shutDown(place, pid, 'immediate', immediateLimitMs))
    if (!ended) {
      log.error({ pid }, 'PostgreSQL did not stop; killing it')
      signal(pid, 'SIGKILL')
      await waitForEnd(pid, immediateLimitMs)
    }
  }
  if (socketDir !== '') await removeSocketDir(socketDir, pid)
}

async function shutDown(place: Place, pid: number, mode: 'fast' | 'immediate', limitMs: number): Promise<boolean> {
  if (process.platform === 'win32') {
    // Windows has no signals: pg_ctl knows PostgreSQL's own way.
    const seconds = String(limitMs / 1_000)
    await run(program(place.binaries, 'pg_ctl'), ['stop', '-D', place.cluster, '-m', mode, '-t', seconds], null)
  } else signal(pid, mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
  return waitForEnd(pid, limitMs)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended meanwhile.
  }
}

async function waitForEnd(pid: number, limitMs: number): Promise<boolean> {
  const beganMs = monotonicMs()
  while (isAlive(pid)) {
    if (monotonicMs() - beganMs > limitMs) return false
    await sleep(10)
  }
  return true
}

/** With what a killed server left in it; not when another server has its socket there by now. */
async function removeSocketDir(socketDir: string, pid: number): Promise<void> {
  const names = await readdir(socketDir).catch(() => [])
  for (const name of names.filter((one) => one.endsWith('.lock'))) {
    const holder = Number.parseInt(await readFile(join(socketDir, name), 'utf8').catch(() => ''), 10)
    if (holder !== pid || isAlive(holder)) continue
    await rm(join(socketDir, name.slice(0, -'.lock'.length)), { force: true })
    await rm(join(socketDir, name), { force: true })
  }
  await rmdir(socketDir).catch(() => {})
}
