import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createTestDatabase, type TestDatabase } from '../../test/fixtures/database.ts'
import { StartError } from '../model/errors.ts'
import { silentLog } from '../runtime/log.ts'
import { openDatabase } from './database.ts'
import { migrate, migrationsAreCurrent, readMigrations } from './migrate.ts'

let made: TestDatabase

before(async () => {
  made = await createTestDatabase()
})
after(() => made.drop())

/** The test database without any table. */
async function emptied(): Promise<void> {
  await made.db.script('drop schema public cascade; create schema public')
}

test('eight starters at once run each migration once and all end well', async () => {
  await emptied()
  const starters = Array.from({ length: 8 }, () => openDatabase(made.config, { log: silentLog(), connections: 2 }))
  const changes: object[] = []
  const log = { ...silentLog(), info: (facts: object) => void changes.push(facts) }
  await Promise.all(starters.map((db) => migrate(db, log)))
  await Promise.all(starters.map((db) => db.close()))
  const migrations = await readMigrations()
  assert.equal(changes.length, migrations.length)
  const rows = await made.db.rows('select number, name from schema_migrations order by number')
  assert.deepEqual(
    rows,
    migrations.map(({ number, name }) => ({ number, name })),
  )
})

test('a migration that fails leaves neither its number nor its tables', async () => {
  await emptied()
  await made.db.script('create table events (other integer)')
  await assert.rejects(migrate(made.db, silentLog()), /already exists/)
  assert.equal(await migrationsAreCurrent(made.db), false)
  const left = await made.db.rows<{ name: string }>(`select relname as name from pg_class where relname = 'posts'`)
  assert.deepEqual(left, [])
})

test('a schema that is newer than the code is refused with what to do', async () => {
  await emptied()
  assert.equal(await migrationsAreCurrent(made.db), false)
  await migrate(made.db, silentLog())
  assert.equal(await migrationsAreCurrent(made.db), true)
  await made.db.rows(`insert into schema_migrations (number, name) values (9000, '9000-later.sql')`)
  await assert.rejects(
    migrate(made.db, silentLog()),
    (error) => error instanceof StartError && /newer Belfry/.test(error.message) && !error.message.includes('\n'),
  )
})
