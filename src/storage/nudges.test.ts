import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestDatabase, type TestDatabase } from '../../test/fixtures/database.ts'
import { until } from '../../test/fixtures/sandbox-client.ts'
import { silentLog } from '../runtime/log.ts'
import type { Database } from './database.ts'
import { type Nudge, startNudges } from './nudges.ts'

let bench: TestDatabase

before(async () => {
  bench = await createTestDatabase({ connections: 6 })
})
after(() => bench.drop())

test('processes hear each other, and again after their connection was cut', async () => {
  const heard: Nudge[] = []
  const parts = { db: bench.db, log: silentLog() }
  const one = startNudges({ ...parts, self: 'one', onNudge: (nudge) => void heard.push(nudge) })
  const other = startNudges({ ...parts, db: bench.db, self: 'other', onNudge: () => {} })
  try {
    const isHeard = async () => {
      other.send({ what: 'deliveries' })
      await sleep(60)
      return heard.length > 0
    }
    await until('the first nudge', 5_000, isHeard)
    heard.length = 0
    await bench.db.rows(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query like 'listen%'`)
    await until('a nudge after the cut', 8_000, isHeard)
  } finally {
    await one.stop()
    await other.stop()
  }
})

test('where LISTEN is refused, each session goes back and the next try comes once', async () => {
  let out = 0
  let tries = 0
  const refusing: Database = {
    ...bench.db,
    async session() {
      const client = await bench.db.session()
      tries += 1
      out += 1
      const release = client.release.bind(client)
      client.query = (() => Promise.reject(new Error('LISTEN is not supported here'))) as typeof client.query
      client.release = (destroy) => {
        out -= 1
        release(destroy)
      }
      return client
    },
  }
  const nudges = startNudges({ db: refusing, log: silentLog(), self: 'x', onNudge: () => {} })
  await until('two tries', 5_000, async () => tries >= 2)
  await sleep(50)
  await nudges.stop()
  assert.deepEqual([tries, out], [2, 0])
})
