import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Ready, removeData, startProcess, stopProcess } from '../examples/start/belfry.ts'
import { silentLog } from '../src/runtime/log.ts'
import { startEmbedded } from '../src/storage/embedded.ts'
import { allPublished, connectAccounts, postJson, until } from './fixtures/sandbox-client.ts'

test('while the database is away writes are answered 503; when it returns due posts go out late, none twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-away-'))
  chmodSync(folder, 0o755)
  const place = { dataDir: join(folder, 'database'), log: silentLog(), exclusive: false }
  let database = await startEmbedded(place)
  const { user, host, port, database: name } = database.config
  const server = await startProcess(['dev', '--json', '--port', '0'], {
    DATABASE_URL: `postgres://${user}@localhost:${port ?? 5432}/${name}?host=${encodeURIComponent(host!)}`,
    BELFRY_DATA_DIR: join(folder, 'dev'),
    LOG_LEVEL: 'fatal',
  })
  const ready = server.ready as unknown as Ready
  try {
    const accounts = await connectAccounts(ready, ready.sandbox_url, 10)
    const headers = { authorization: `Bearer ${ready.api_key}`, 'content-type': 'application/json' }
    const body = (n: number, extra: object) => ({
      caption: `away ${n}.`,
      social_accounts: [accounts[n % 10]!],
      ...extra,
    })
    const count = 60
    const dueFrom = Date.now() + 1_500
    for (let n = 0; n < count; n += 1) {
      const scheduled_at = new Date(dueFrom + n * 40).toISOString()
      await postJson(`${ready.url}/v1/social-posts`, body(n, { scheduled_at }), ready.api_key)
    }
    // Posts are going out when the database goes.
    await until('the first posts to be out', 10_000, async () => (await allPublished(ready.sandbox_url)).length >= 10)
    await database.stop()

    const refused = await fetch(`${ready.url}/v1/social-posts`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body(900, {})),
    })
    assert.equal(refused.status, 503, await refused.text())
    const wait = Number(refused.headers.get('retry-after'))
    assert.ok(wait >= 1 && wait <= 5, `Retry-After ${wait}`)
    assert.equal((await fetch(`${ready.url}/readyz`)).status, 503)
    assert.equal((await fetch(`${ready.url}/healthcheck`)).status, 503)
    assert.equal((await fetch(`${ready.url}/healthz`)).status, 200)
    await new Promise((resolve) => setTimeout(resolve, 3_000))

    database = await startEmbedded(place)
    await until('every post to be processed', 30_000, async () => {
      const answer = await fetch(`${ready.url}/v1/social-posts?status=scheduled,processing&limit=1`, { headers })
      return answer.ok && ((await answer.json()) as { meta: { total: number } }).meta.total === 0
    })
    const captions = (await allPublished(ready.sandbox_url)).map((one) => one.caption).sort()
    assert.deepEqual(captions, Array.from({ length: count }, (_, n) => `away ${n}.`).sort())
    assert.equal((await fetch(`${ready.url}/readyz`)).status, 200)
  } finally {
    await stopProcess(server.child)
    await database.stop()
    removeData(join(folder, 'database'))
    rmSync(folder, { recursive: true, force: true })
  }
})
