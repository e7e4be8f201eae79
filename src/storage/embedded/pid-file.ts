import { readFileSync } from 'node:fs'
import { readFile, readlink, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBase62 } from '../../runtime/ids.ts'
import { sleep } from '../../runtime/timer.ts'
import { lineOf } from './user.ts'

/** What `postmaster.pid` says about the server on a database directory. */
export interface PidFile {
  pid: number
  /** 0 when the server has not got that far. */
  port: number
  /** Empty on loopback. */
  socketDir: string
  /** starting, ready, stopping, standby; empty when the server has not got that far. */
  state: string
}

/** Null when there is none, or it is still empty. Lines: pid, directory, start, port, socket, address, memory, state. */
export async function readPidFile(cluster: string): Promise<PidFile | null> {
  const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const pid = Number.parseInt(lines[0] ?? '', 10)
  const port = Number.parseInt(lines[3] ?? '', 10)
  if (!(pid > 0)) return null
  return { pid, port: port > 0 ? port : 0, socketDir: (lines[4] ?? '').trim(), state: (lines[7] ?? '').trim() }
}

/** True for a process that runs; a zombie (its parent does not collect it) has ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

/** Whether that process is the server of this directory: by its working directory, else by its command line. */
export async function isServerOf(pid: number, cluster: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  if (process.platform === 'win32') return true
  const folder = await readlink(`/proc/${pid}/cwd`).catch(() => null)
  if (folder !== null) return folder === cluster
  return (await lineOf('ps', ['-o', 'command=', '-p', String(pid)])).includes(cluster)
}

/**
 * Takes away a pid file whose number now belongs to another process, as after a power cut in a container:
 * PostgreSQL would refuse to start. Should a server have started meanwhile, its file is put back.
 */
export async function removeStale(cluster: string, stale: PidFile): Promise<void> {
  const file = join(cluster, 'postmaster.pid')
  const aside = `${file}.${randomBase62(6)}`
  await rename(file, aside).catch(() => {})
  const moved = Number.parseInt(await readFile(aside, 'utf8').catch(() => ''), 10)
  if (moved === stale.pid) await rm(aside, { force: true })
  else await rename(aside, file).catch(() => {})
}

/** After a power cut the file may be empty, which PostgreSQL takes for a start under way. True if it was and is gone. */
export async function removeEmptyPidFile(cluster: string): Promise<boolean> {
  const file = join(cluster, 'postmaster.pid')
  // A server that is writing it needs less than this.
  await sleep(1_000)
  const size = await stat(file).then(
    (found) => found.size,
    () => null,
  )
  if (size !== 0) return false
  await rm(file, { force: true })
  return true
}
