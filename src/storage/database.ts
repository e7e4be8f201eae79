import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Logger } from '../runtime/log.ts'

pg.types.setTypeParser(pg.types.builtins.INT8, Number)

/** Rows in, rows out. Every statement is a constant text with `$1` parameters. */
export interface Db {
  rows<Row extends object>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>
  /** Runs `work` in one transaction; inside a transaction it joins that one. */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>
  /** Runs a file of statements without parameters: for migrations. */
  script(sql: string): Promise<void>
}

export interface Database extends Db {
  /** For a session of its own: LISTEN, session locks. The caller ends it with `release(true)`. */
  session(): Promise<pg.PoolClient>
  close(): Promise<void>
}

/** A deadlock, a serialisation failure: the transaction did not happen and may be run again. */
const safeToRepeat = new Set(['40001', '40P01'])

/**
 * Opens a pool.
 * @param connections most connections at once. @default 10
 */
export function openDatabase(config: pg.PoolConfig, options: { log: Logger; connections?: number }): Database {
  const pool = new pg.Pool({
    max: options.connections ?? 10,
    connectionTimeoutMillis: 5_000,
    // A server that stalls without hanging up counts as away after this.
    query_timeout: 60_000,
    keepAlive: true,
    application_name: 'belfry',
    ...config,
  })
  // An idle connection that breaks is replaced on next use; without a listener it would end the process.
  let closing = false
  pool.on('error', (error) => {
    if (!closing) options.log.warn({ err: error }, 'an idle database connection broke')
  })

  async function transaction<T>(work: (tx: Db) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const client = await pool.connect()
      let broken: Error | undefined
      const onError = (error: Error) => {
        broken = error
      }
      client.on('error', onError)
      try {
        await client.query('begin')
        const answer = await work(joined(client))
        await client.query('commit')
        return answer
      } catch (error) {
        await client.query('rollback').catch((failure: Error) => {
          broken = failure
        })
        if (attempt < 3 && safeToRepeat.has(codeOf(error) ?? '')) continue
        throw error
      } finally {
        client.off('error', onError)
        client.release(broken)
      }
    }
  }

  return {
    rows: (sql, parameters) => run(pool, sql, parameters),
    transaction,
    script: (sql) => runScript(pool, sql),
    session: () => pool.connect(),
    close() {
      closing = true
      return pool.end()
    },
  }
}

function joined(client: pg.PoolClient): Db {
  const tx: Db = {
    rows: (sql, parameters) => run(client, sql, parameters),
    transaction: (work) => work(tx),
    script: (sql) => runScript(client, sql),
  }
  return tx
}

async function runScript(on: pg.Pool | pg.PoolClient, sql: string): Promise<void> {
  await on.query(sql)
}

/** Statement names by text: each is parsed once per connection. */
const names = new Map<string, string>()

async function run<Row extends object>(
  on: pg.Pool | pg.PoolClient,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  let name = names.get(text)
  if (name === undefined) {
    name = createHash('sha1').update(text).digest('base64url')
    names.set(text, name)
  }
  const answer = await on.query<Row & pg.QueryResultRow>({ name, text, values: [...parameters] })
  return answer.rows
}

/** PostgreSQL's five-character code, or Node's code for a broken connection. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
}

/** True when the database could not be reached, is starting, stopping or cut the connection. */
export function isAway(error: unknown): boolean {
  const code = codeOf(error)
  if (code !== undefined) {
    return /^(08|57P0|53300|ECONN|ENOENT|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)/.test(code)
  }
  return (
    error instanceof Error &&
    /^(Connection terminated|Query read timeout|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      error.message,
    )
  )
}

/** True when the same write may simply be tried again: the database was away, or refused this one for another's sake. */
export function isTransient(error: unknown): boolean {
  return isAway(error) || safeToRepeat.has(codeOf(error) ?? '')
}
