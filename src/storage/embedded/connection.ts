import { realpath } from 'node:fs/promises'
import pg from 'pg'
import { StartError } from '../../model/errors.ts'
import { databaseName, databaseUser } from './cluster.ts'
import { isAlive, type PidFile, readPidFile } from './pid-file.ts'
import type { Place } from './place.ts'

/** `silent`: its process may live, and does not answer. `busy`: it says that it starts, recovers or stops. */
export type ServerState = { kind: 'running'; pidFile: PidFile } | { kind: 'none' | 'silent' | 'busy' }

/** Looks for the server of this place: by its pid file, then by asking it which directory it serves. */
export async function probe(place: Place): Promise<ServerState> {
  const pidFile = await readPidFile(place.cluster)
  if (pidFile === null || !isAlive(pidFile.pid)) return { kind: 'none' }
  if (pidFile.port === 0 || (pidFile.socketDir === '' && place.record.password === null)) return { kind: 'silent' }
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
    // cannot_connect_now, the shutdowns, too_many_connections, and an answer that is only late: it lives.
    const lives = code === undefined || code === 'EAGAIN' || /^(57P0|53300)/.test(String(code))
    return { kind: lives ? 'busy' : 'silent' }
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
