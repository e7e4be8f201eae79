import { randomInt } from 'node:crypto'
import { chmod, chown, lstat, mkdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { StartError } from '../../model/errors.ts'
import { randomBase62 } from '../../runtime/ids.ts'
import { databaseName, databaseUser } from './cluster.ts'
import { isAlive, type PidFile, readPidFile } from './pid-file.ts'
import type { Place } from './place.ts'
import { canRead } from './user.ts'

/** Only a file's name: nothing listens on it. */
export const socketPort = 5432
/** Longest path of a socket; Linux takes 107 bytes, macOS 103. */
const maxSocketPathBytes = 103

/** `silent`: its process may live, and does not answer. `busy`: it says that it starts, recovers or stops. */
export type ServerState = { kind: 'running'; pidFile: PidFile } | { kind: 'none' | 'silent' | 'busy' }

/** Looks for the server of this place: by its pid file, then by asking it which directory it serves. */
export async function probe(place: Place): Promise<ServerState> {
  const pidFile = await readPidFile(place.cluster)
  if (pidFile === null || !isAlive(pidFile.pid)) return { kind: 'none' }
  const client = new pg.Client({ ...configOf(place, pidFile), database: 'postgres', connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ directory: string }>(`select current_setting('data_directory') as directory`)
    const same = (await realpath(rows[0]!.directory).catch(() => null)) === place.cluster
    return same ? { kind: 'running', pidFile } : { kind: 'silent' }
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (code === 'EACCES') {
      throw new StartError(
        `PostgreSQL in ${place.cluster} was started by another user (process ${pidFile.pid}); run this command as that user.`,
      )
    }
    // cannot_connect_now; too_many_connections: it lives.
    return { kind: code === '57P03' || code === '53300' || code === '57P01' ? 'busy' : 'silent' }
  } finally {
    await client.end().catch(() => {})
  }
}

export function configOf(place: Place, at: { port: number; socketDir: string }): pg.PoolConfig {
  const { password } = place.record
  const where =
    password === null ? { host: at.socketDir, port: at.port } : { host: '127.0.0.1', port: at.port, password }
  return { ...where, user: databaseUser, database: databaseName, ssl: false }
}

/**
 * The socket's directory, 0700 and the server's user's: short, under the system's temporary directory, or /tmp
 * where that is too long or out of the user's reach.
 */
export async function makeSocketDir(place: Place): Promise<string> {
  const { user, record } = place
  const own = tmpdir()
  const root = fits(join(own, nameOf(record.id))) && (await canRead(own, user)) ? own : '/tmp'
  const wanted = join(root, nameOf(record.id))
  const uid = user?.uid ?? process.getuid?.()
  await mkdir(wanted, { mode: 0o700 })
    .then(() => (user === null ? undefined : chown(wanted, user.uid, user.gid)))
    .catch(() => {})
  const found = await lstat(wanted).catch(() => null)
  if (found?.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return wanted
  // Someone else's: take a name that nobody can know.
  const other = join(root, `${nameOf(record.id)}-${randomBase62(8)}`)
  await mkdir(other, { mode: 0o700 })
  if (user !== null) await chown(other, user.uid, user.gid)
  await chmod(other, 0o700)
  return other
}

function nameOf(id: string): string {
  return `belfry-${id}`
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, `.s.PGSQL.${socketPort}`)) + 9 <= maxSocketPathBytes
}

/** A port of the dynamic range; where it is taken, PostgreSQL says so and the next start takes another. */
export async function freePort(): Promise<number> {
  return randomInt(49_152, 65_536)
}
