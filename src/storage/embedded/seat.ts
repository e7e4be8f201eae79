import pg from 'pg'
import { StartError } from '../../model/errors.ts'
import { monotonicMs } from '../../runtime/clock.ts'
import { sleep } from '../../runtime/timer.ts'
import { databaseName } from './cluster.ts'

/**
 * A session that says "this process uses the embedded server". Everyone holds `present` shared, so that the last
 * one to leave knows it; `dev` and `serve` also hold `exclusive`. Both end with the session, however the process ends.
 */
export interface Seat {
  client: pg.Client
  /** Resolves when the session is gone. */
  lost: Promise<void>
}

/** Keys of session locks on the embedded server only. */
const present = [0x62656c66, 1] as const
const exclusiveUse = [0x62656c66, 2] as const
/** The session of a process that was just killed takes a moment to end. */
const patienceMs = 2_000

/** @throws {StartError} when another process has exclusive use */
export async function takeSeat(config: pg.PoolConfig, options: { exclusive: boolean; dataDir: string }): Promise<Seat> {
  await ensureDatabase(config)
  const client = new pg.Client({
    ...(config as pg.ClientConfig),
    application_name: `belfry process ${process.pid}`,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
  })
  const lost = new Promise<void>((resolve) => {
    client.once('end', resolve)
    client.on('error', () => resolve())
  })
  try {
    await client.connect()
    if (options.exclusive) await takeExclusive(client, options.dataDir)
    await client.query('select pg_advisory_lock_shared($1, $2)', [...present])
    return { client, lost }
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
}

/**
 * Gives up the seat. True, with everyone else kept out until the session ends, when nobody else has one; true also
 * when the server does not answer.
 */
export async function leaveSeat(seat: Seat): Promise<boolean> {
  try {
    await seat.client.query('select pg_advisory_unlock_all()')
    const { rows } = await seat.client.query<{ last: boolean }>('select pg_try_advisory_lock($1, $2) as last', [
      ...present,
    ])
    return rows[0]!.last
  } catch {
    return true
  }
}

async function takeExclusive(client: pg.Client, dataDir: string): Promise<void> {
  const beganMs = monotonicMs()
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1, $2) as taken', [
      ...exclusiveUse,
    ])
    if (rows[0]!.taken) return
    if (monotonicMs() - beganMs > patienceMs) break
    await sleep(100)
  }
  const { rows } = await client.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.classid = $1::bigint and l.objid = $2::bigint and l.granted`,
    [...exclusiveUse],
  )
  const other = rows[0]?.name ?? 'process unknown'
  throw new StartError(
    `Another Belfry (${other.replace('belfry ', '')}) already runs on ${dataDir}; stop it first, or set BELFRY_DATA_DIR to another directory.`,
  )
}

async function ensureDatabase(config: pg.PoolConfig): Promise<void> {
  const client = new pg.Client({ ...(config as pg.ClientConfig), database: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [databaseName])
    if (rowCount === 0) await client.query(`create database ${databaseName}`)
  } catch (error) {
    // Another starter made it meanwhile; it shows as either.
    const { code } = error as { code?: unknown }
    if (code !== '42P04' && code !== '23505') throw error
  } finally {
    await client.end().catch(() => {})
  }
}
