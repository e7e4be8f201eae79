import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../src/runtime/log.ts'
import { openDatabase } from '../src/storage/database.ts'
import { findBinaries, platformPackage } from '../src/storage/embedded/binaries.ts'
import { dataDirFor, start } from './fixtures/embedded.ts'

const root = join(import.meta.dirname, '..')
const oldest = join(root, '.ci', 'postgres-14', 'package.json')

/** What runs on 18 everywhere and here on 14: migrations, every hot statement, the events' order, the API's own. */
const files = [
  'test/settle.test.ts',
  'test/delivery.test.ts',
  'src/events/log.test.ts',
  'test/api/posts.test.ts',
  'test/api/lists.test.ts',
  'test/api/repeats.test.ts',
]

test('migrations, ledger, events and API work on PostgreSQL 14, the oldest that is promised', async (t) => {
  if (!existsSync(join(root, '.ci', 'postgres-14', 'node_modules'))) {
    assert.notEqual(process.env['BELFRY_REQUIRE_POSTGRES_14'], '1', 'run npm ci --prefix .ci/postgres-14')
    return t.skip(
      `PostgreSQL 14 is not installed (npm ci --prefix .ci/postgres-14): ${files.length} files not run on it`,
    )
  }
  const binaries = await findBinaries(platformPackage(), oldest)
  const server = await start(dataDirFor(t), { binaries })
  try {
    const db = openDatabase(server.config, { log: silentLog(), connections: 1 })
    const [row] = await db.rows<{ version: string }>(`select current_setting('server_version') as version`)
    await db.close()
    assert.match(row?.version ?? '', /^14\./)

    const { user, host, port, database } = server.config
    const url = `postgres://${user}@localhost:${port ?? 5432}/${database}?host=${encodeURIComponent(host!)}`
    // Without the runner's own variable the inner runner reports as text.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const child = spawn(process.execPath, ['--test', '--test-concurrency=1', ...files], {
      cwd: root,
      env: { ...env, TEST_DATABASE_URL: url },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let report = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        report += chunk
      })
    }
    const code = await new Promise((resolve) => child.on('close', resolve))
    assert.equal(code, 0, report.slice(-4_000))
    t.diagnostic(`${/pass (\d+)/.exec(report)?.[1]} tests passed on PostgreSQL ${row?.version}`)
  } finally {
    await server.stop()
  }
})
