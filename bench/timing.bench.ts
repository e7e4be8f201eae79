/**
 * How late scheduled posts go out, judged by the sandbox's `received_at`, and how many a second when many are due at
 * once. Server and sandbox are processes of their own, as in production.
 *
 *   npm run bench            both measurements
 *   npm run bench -- random  200 posts at random instants
 *   npm run bench -- burst   10,000 posts over 500 accounts due in the same second (BENCH_POSTS sets how many)
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ready, removeData, startProcess, stopProcess } from '../examples/start/belfry.ts'
import { allPublished, connectAccounts, postJson, until } from '../test/fixtures/sandbox-client.ts'

const chosen = process.argv[2] ?? 'both'
const dataDir = mkdtempSync(join(tmpdir(), 'belfry-bench-'))
const sandbox = await startProcess(['sandbox', '--json', '--port', '0'], {})
const sandboxUrl = String(sandbox.ready['url'])
const env = { BELFRY_DATA_DIR: dataDir, BELFRY_SANDBOX_URL: sandboxUrl, LOG_LEVEL: 'error' }
const server = await startProcess(['dev', '--json', '--port', '0'], env)
const belfry = server.ready as unknown as Ready

async function schedule(caption: string, account: string, at: number): Promise<void> {
  const body = { caption, social_accounts: [account], scheduled_at: new Date(at).toISOString() }
  await postJson(`${belfry.url}/v1/social-posts`, body, belfry.api_key)
}

/** Runs `work` on 0 … count-1, `width` at a time. */
async function inParallel(count: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) {
      const index = next
      next += 1
      await work(index)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}

function percentile(sorted: number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

async function receivedAt(prefix: string): Promise<Map<string, number>> {
  const held = await allPublished(sandboxUrl)
  const mine = held.filter((one) => one.caption.startsWith(prefix))
  const byCaption = new Map(mine.map((one) => [one.caption, Date.parse(one.received_at)]))
  if (byCaption.size !== mine.length) throw new Error(`${mine.length - byCaption.size} posts were published twice`)
  return byCaption
}

async function random(): Promise<void> {
  const count = 200
  const spanMs = 30_000
  const accounts = await connectAccounts(belfry, sandboxUrl, 20)
  const beginAt = Date.now() + 4_000
  const due = Array.from({ length: count }, () => Math.floor(beginAt + Math.random() * spanMs))
  await inParallel(count, 20, (index) => schedule(`random ${index}.`, accounts[index % accounts.length]!, due[index]!))
  await new Promise((resolve) => setTimeout(resolve, beginAt + spanMs - Date.now()))
  await until('the last post', 20_000, async () => (await receivedAt('random ')).size === count)
  const received = await receivedAt('random ')
  const late = due.map((at, index) => received.get(`random ${index}.`)! - at).sort((a, b) => a - b)
  console.log(
    `${count} posts at random instants over ${spanMs / 1000} s: earliest ${late[0]} ms, ` +
      `p50 ${percentile(late, 0.5)} ms, p99 ${percentile(late, 0.99)} ms, latest ${late.at(-1)} ms after their time`,
  )
}

async function burst(): Promise<void> {
  const count = Number(process.env['BENCH_POSTS'] ?? 10_000)
  const accounts = await connectAccounts(belfry, sandboxUrl, 500)
  const writtenFrom = Date.now()
  const dueAt = Math.ceil((Date.now() + 60_000) / 1000) * 1000
  await inParallel(count, 32, (index) => schedule(`burst ${index}.`, accounts[index % accounts.length]!, dueAt))
  const writeS = (Date.now() - writtenFrom) / 1000
  if (Date.now() > dueAt) throw new Error(`writing took ${writeS} s, longer than the lead of 60 s`)
  console.log(`${count} posts written over HTTP in ${writeS.toFixed(1)} s (${Math.round(count / writeS)} a second)`)
  await new Promise((resolve) => setTimeout(resolve, dueAt - Date.now() + 1_000))
  await until('the last post', 120_000, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const answer = await fetch(`${belfry.url}/v1/social-posts?status=scheduled,processing&limit=1`, {
      headers: { authorization: `Bearer ${belfry.api_key}` },
    })
    return ((await answer.json()) as { meta: { total: number } }).meta.total === 0
  })
  const times = [...(await receivedAt('burst ')).values()].sort((a, b) => a - b)
  if (times.length !== count) throw new Error(`${times.length} of ${count} were published`)
  const gaps = times.slice(1).map((at, index) => at - times[index]!)
  const tookMs = times.at(-1)! - dueAt
  console.log(
    `${count} posts over ${accounts.length} accounts due at once: first after ${times[0]! - dueAt} ms, last after ` +
      `${tookMs} ms, longest gap ${Math.max(...gaps)} ms, ${Math.round((count * 1000) / tookMs)} posts a second`,
  )
}

try {
  if (chosen !== 'burst') await random()
  if (chosen !== 'random') await burst()
} finally {
  await stopProcess(server.child)
  await stopProcess(sandbox.child)
  removeData(dataDir)
}
