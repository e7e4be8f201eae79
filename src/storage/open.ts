import { StartError } from '../model/errors.ts'
import type { Logger } from '../runtime/log.ts'
import { type Database, isAway, openDatabase } from './database.ts'
import { startEmbedded } from './embedded.ts'
import { migrate } from './migrate.ts'

/** The database of a command, current, and how to leave it. */
export interface Store {
  db: Database
  /** True on Belfry's own PostgreSQL: no process on another machine can be using it. */
  embedded: boolean
  close(): Promise<void>
}

/**
 * Opens the server at `databaseUrl`, or starts (or joins) the embedded one in `dataDir`, and brings it to the
 * current schema.
 * @param options.exclusive `dev` and `serve`: refuse when another one runs on the same data directory
 * @throws {StartError} with one line that says what to do
 */
export async function openStore(options: {
  databaseUrl: string | null
  dataDir: string
  log: Logger
  exclusive: boolean
  connections?: number
}): Promise<Store> {
  const { databaseUrl, dataDir, log, exclusive, connections } = options
  const embedded = databaseUrl === null ? await startEmbedded({ dataDir, log, exclusive }) : null
  const db = openDatabase(embedded?.config ?? { connectionString: databaseUrl! }, { log, connections })
  async function close(): Promise<void> {
    await db.close()
    await embedded?.stop()
  }
  try {
    await migrate(db, log)
  } catch (error) {
    await close()
    if (isAway(error)) {
      throw new StartError(
        `The database cannot be reached (${(error as Error).message}); check DATABASE_URL and that the server runs.`,
      )
    }
    throw error
  }
  return { db, embedded: embedded !== null, close }
}
