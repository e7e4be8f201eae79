import { readdir, readFile } from 'node:fs/promises'
import { StartError } from '../model/errors.ts'
import type { Logger } from '../runtime/log.ts'
import { codeOf, type Database, type Db } from './database.ts'

export interface Migration {
  number: number
  /** The file's name. */
  name: string
  sql: string
}

/** The oldest PostgreSQL that Belfry runs on, as `server_version_num`. */
const oldestServer = 140_000
/** The files lie beside this one, in `src/` as in `dist/`. */
const folder = new URL('./migrations/', import.meta.url)

/**
 * Brings the schema to this version. Starters at the same time wait for each other; each migration is one
 * transaction that also records its number.
 * @throws {StartError} when the server is older than PostgreSQL 14, or the schema newer than this Belfry
 */
export async function migrate(database: Database, log: Logger): Promise<void> {
  await requireServer(database)
  const migrations = await readMigrations()
  const latest = migrations.at(-1)?.number ?? 0
  const before = await currentNumber(database)
  if (before > latest) {
    throw new StartError(
      `The database is at schema ${before}, made by a newer Belfry; this one knows ${latest}. Start the newer Belfry, or put back a backup.`,
    )
  }
  for (const migration of migrations) {
    if (migration.number <= before) continue
    if (await database.transaction((tx) => apply(tx, migration))) {
      log.info({ migration: migration.name }, 'the schema was changed')
    }
  }
}

/** For /readyz: true when every migration of this version has run. */
export async function migrationsAreCurrent(database: Db): Promise<boolean> {
  const migrations = await readMigrations()
  return (await currentNumber(database)) >= (migrations.at(-1)?.number ?? 0)
}

let known: Promise<Migration[]> | null = null

/** In order. Read once: files do not change under a running process. */
export function readMigrations(): Promise<Migration[]> {
  known ??= readFolder()
  return known
}

async function readFolder(): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-.+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => ({
      number: Number.parseInt(name, 10),
      name,
      sql: await readFile(new URL(name, folder), 'utf8'),
    })),
  )
}

/** False when another starter was faster. */
async function apply(tx: Db, migration: Migration): Promise<boolean> {
  await lockSchema(tx)
  await makeTable(tx)
  if (!(await recordNumber(tx, migration))) return false
  await tx.script(migration.sql)
  return true
}

/** Held to the end of the transaction, so that other starters wait instead of failing. */
async function lockSchema(tx: Db): Promise<void> {
  await tx.rows(`select pg_advisory_xact_lock(1650812534, 3)`)
}

async function makeTable(tx: Db): Promise<void> {
  await tx.rows(
    `create table if not exists schema_migrations (
       number integer primary key,
       name text not null,
       applied_at timestamptz not null default now()
     )`,
  )
}

async function recordNumber(tx: Db, { number, name }: Migration): Promise<boolean> {
  const rows = await tx.rows(
    `insert into schema_migrations (number, name) values ($1, $2) on conflict do nothing returning number`,
    [number, name],
  )
  return rows.length === 1
}

/** 0 for an empty database. */
async function currentNumber(db: Db): Promise<number> {
  try {
    const [row] = await db.rows<{ number: number }>(`select coalesce(max(number), 0) as number from schema_migrations`)
    return row!.number
  } catch (error) {
    if (codeOf(error) === '42P01') return 0
    throw error
  }
}

async function requireServer(db: Db): Promise<void> {
  const [row] = await db.rows<{ number: number; name: string }>(
    `select current_setting('server_version_num')::integer as number, current_setting('server_version') as name`,
  )
  if (row!.number < oldestServer) {
    throw new StartError(`The database is PostgreSQL ${row!.name}; Belfry needs 14 or newer.`)
  }
}
