import { Cron } from 'croner'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { foldPostCounts, pruneEvents, pruneRequests, underLock } from '../storage/chores.ts'
import type { Database, Db } from '../storage/database.ts'

/** Starts the periodic chores; the answer stops them and waits for the one under way. */
export function startChores(parts: {
  db: Database
  clock: Clock
  log: Logger
  eventDays: number
}): () => Promise<void> {
  const { db, clock, log, eventDays } = parts
  const chores: [string, string, (tx: Db) => Promise<void>][] = [
    ['fold-post-counts', '*/10 * * * * *', foldPostCounts],
    ['prune-requests', '17 * * * * *', (tx) => pruneRequests(tx, clock.dbNow())],
    ['prune-events', '41 7 * * * *', (tx) => pruneEvents(tx, eventDays, clock.dbNow())],
  ]
  const running = new Set<Promise<void>>()
  const jobs = chores.map(
    ([name, pattern, chore]) =>
      new Cron(pattern, { name, protect: true, unref: true, timezone: 'UTC' }, () => {
        const run = underLock(db, name, chore).then(
          () => undefined,
          (error) => log.warn({ chore: name, err: error }, 'a chore failed; its next run will try again'),
        )
        running.add(run)
        void run.finally(() => running.delete(run))
        return run
      }),
  )
  return async () => {
    for (const job of jobs) job.stop()
    await Promise.all(running)
  }
}
