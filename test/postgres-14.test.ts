import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../src/runtime/log.ts'
import { openDatabase } from '../src/storage/database.ts'
import { findBinaries } from '../src/storage/embedded/binaries.ts'
import { migrate, migrationsAreCurrent } from '../src/storage/migrate.ts'
import { dataDirFor, start } from './fixtures/embedded.ts'

test('the migrations run on PostgreSQL 14, the oldest that is promised', async (t) => {
  const binaries = await findBinaries('postgres-14').catch(() => null)
  if (binaries === null) {
    const mustRun = process.env['CI'] === 'true' && process.platform === 'linux' && process.arch === 'x64'
    assert.ok(!mustRun, 'CI must prove PostgreSQL 14: install with optional dependencies')
    return t.skip('the optional package postgres-14 is not installed')
  }
  const server = await start(dataDirFor(t), { binaries })
  const db = openDatabase(server.config, { log: silentLog(), connections: 2 })
  try {
    await migrate(db, silentLog())
    assert.equal(await migrationsAreCurrent(db), true)
    const [row] = await db.rows<{ major: number }>(
      `select current_setting('server_version_num')::integer / 10000 as major`,
    )
    assert.equal(row!.major, 14)
    await db.rows(`insert into projects (id, name, created_at) values ('proj_1', 'One', now())`)
    await db.rows(
      `insert into posts (id, project_id, status, caption, media, platform_configurations, account_configurations,
         created_at, updated_at)
       values ('sp_1', 'proj_1', 'draft', 'Hello', '[]', '[]', '[]', now(), now())`,
    )
    const counts = await db.rows('select status, delta from post_counts')
    assert.deepEqual(counts, [{ status: 'draft', delta: 1 }])
  } finally {
    await db.close()
    await server.stop()
  }
})
