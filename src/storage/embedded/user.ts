import { type ChildProcess, execFile, type SpawnOptions } from 'node:child_process'
import { StartError } from '../../model/errors.ts'

/** The operating system's user that PostgreSQL runs as. */
export interface RunAs {
  name: string
  uid: number
  gid: number
}

/** PostgreSQL refuses to run as root, so root runs it as the first of these that exists. */
export const unprivileged = ['postgres', 'nobody'] as const

/** True when this process may become another user, and has to for PostgreSQL. */
export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** The user for root's PostgreSQL; null when this process is not root and runs it as itself. */
export async function chooseUser(names: readonly string[] = unprivileged): Promise<RunAs | null> {
  if (!isRoot()) return null
  for (const name of names) {
    const uid = Number.parseInt(await lineOf('id', ['-u', name]), 10)
    const gid = Number.parseInt(await lineOf('id', ['-g', name]), 10)
    // macOS writes nobody as -2.
    if (Number.isInteger(uid) && Number.isInteger(gid) && uid !== 0) return { name, uid: uid >>> 0, gid: gid >>> 0 }
  }
  throw new StartError(
    `PostgreSQL refuses to run as root and there is no user ${names.join(' or ')}; run Belfry as another user, or set DATABASE_URL.`,
  )
}

/** How a child becomes `user`. It starts where everyone may be, and without our environment: that holds secrets. */
export function spawnAs(user: RunAs | null): SpawnOptions {
  const identity = user === null ? {} : { uid: user.uid, gid: user.gid }
  if (process.platform === 'win32') return { ...identity, windowsHide: true }
  return { ...identity, cwd: '/', env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } }
}

/** True when `user` can go into this directory: tried, not computed, so that ACLs and mounts count. */
export async function canEnter(directory: string, user: RunAs | null): Promise<boolean> {
  if (user === null) return true
  return (await lineOf('/bin/sh', ['-c', 'cd "$1" && echo yes', 'sh', directory], user)) === 'yes'
}

/** True when `user` can read this file; tried like `canEnter`. */
export async function canRead(file: string, user: RunAs | null): Promise<boolean> {
  if (user === null) return true
  return (await lineOf('/bin/sh', ['-c', 'test -r "$1" && echo yes', 'sh', file], user)) === 'yes'
}

/** The first line that a program prints, on standard output if there is any; the failure's message otherwise. */
export async function lineOf(file: string, parameters: string[], user: RunAs | null = null): Promise<string> {
  const { output, failure } = await run(file, parameters, user)
  return firstLine(output) || failure
}

export interface Ran {
  code: number | null
  output: string
  /** Standard error, or why it could not be started; empty when it ended well. */
  failure: string
}

/** Runs a program to its end as `user`; never rejects. */
export function run(file: string, parameters: string[], user: RunAs | null, timeoutMs = 120_000): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { ...spawnAs(user), timeout: timeoutMs, encoding: 'utf8' as const, shell: false }
    const child: ChildProcess = execFile(file, parameters, options, (error, output, failure) => {
      if (error === null) return resolve({ code: 0, output, failure: '' })
      resolve({ code: child.exitCode, output, failure: failure.trim() || error.message })
    })
  })
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
