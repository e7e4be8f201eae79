import { readShared } from '../config/config.ts'
import { readEnv } from '../config/env.ts'
import { createLog } from '../runtime/log.ts'
import type { Database } from '../storage/database.ts'
import { openStore } from '../storage/open.ts'

/** Runs `work` on the database: the running server's, or one that is started for its duration. */
export async function withStore<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const { databaseUrl, dataDir, logLevel } = readShared(readEnv())
  const log = createLog(logLevel === 'info' ? 'warn' : logLevel)
  const store = await openStore({ databaseUrl, dataDir, log, exclusive: false, connections: 2 })
  try {
    return await work(store.db)
  } finally {
    await store.close()
  }
}
