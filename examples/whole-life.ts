/**
 * A post's whole life through the official SDK, unchanged but for its base URL: draft, scheduled, moved, published,
 * looked up; and everything that must be refused once publishing has begun.
 */
import assert from 'node:assert/strict'
import PostForMe from 'post-for-me'
import { startBelfry } from './start/belfry.ts'

const belfry = await startBelfry()
const { url, api_key, sandbox_url } = belfry.ready
const client = new PostForMe({ apiKey: api_key, baseURL: url })

interface Published {
  id: string
  caption: string
  url: string
  received_at: string
}

async function published(text: string): Promise<Published[]> {
  const answer = await fetch(`${sandbox_url}/sandbox/published?q=${encodeURIComponent(text)}`)
  return ((await answer.json()) as { data: Published[] }).data
}

async function sandbox(method: string, path: string, body?: object): Promise<void> {
  const answer = await fetch(`${sandbox_url}/sandbox/${path}`, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  assert.ok(answer.ok, await answer.text())
}

async function untilStatus(id: string, status: string): Promise<void> {
  const giveUpAt = Date.now() + 15_000
  while ((await client.socialPosts.retrieve(id)).status !== status) {
    assert.ok(Date.now() < giveUpAt, `post ${id} did not become ${status}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function refused(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => error instanceof PostForMe.BadRequestError && error.status === 400)
}

const soon = (ms: number) => new Date(Date.now() + ms).toISOString()

try {
  const accounts = await client.socialAccounts.list({ platform: ['bluesky'] })
  const account = accounts.data[0]!
  const social_accounts = [account.id]

  // Draft -> scheduled -> another time -> published at that time with the right text.
  const draft = await client.socialPosts.create({ caption: 'First words', social_accounts, isDraft: true })
  assert.equal(draft.status, 'draft')
  assert.equal(draft.scheduled_at, null)
  const far = await client.socialPosts.update(draft.id, {
    caption: 'Second words',
    social_accounts,
    scheduled_at: soon(3_600_000),
  })
  assert.equal(far.status, 'scheduled')
  assert.equal((await client.socialPosts.retrieve(draft.id)).caption, 'Second words')
  const dueAt = soon(1_500)
  await client.socialPosts.update(draft.id, {
    caption: 'Third words, with a bell 🔔',
    social_accounts,
    scheduled_at: dueAt,
  })
  await untilStatus(draft.id, 'processed')
  const third = await published('Third words')
  assert.equal(third.length, 1)
  assert.equal(third[0]!.caption, 'Third words, with a bell 🔔')
  const lateMs = Date.parse(third[0]!.received_at) - Date.parse(dueAt)
  assert.ok(lateMs >= 0, `published ${-lateMs} ms early`)
  assert.equal((await published('First words')).length + (await published('Second words')).length, 0)
  console.log(`scheduled post published ${lateMs} ms after its time`)

  // Its result, with the post's address.
  const results = await client.socialPostResults.list({ post_id: [draft.id] })
  assert.equal(results.data.length, 1)
  assert.equal(results.data[0]!.success, true)
  assert.equal(results.data[0]!.platform_data?.url, third[0]!.url)
  console.log(`result: ${third[0]!.url}`)

  // An instant post.
  const instant = await client.socialPosts.create({ caption: 'Right now', social_accounts, external_id: 'mine-1' })
  assert.equal(instant.status, 'processing')
  await untilStatus(instant.id, 'processed')
  assert.equal((await published('Right now')).length, 1)

  // Deleted posts are never published.
  const unwanted = await client.socialPosts.create({ caption: 'A discarded draft', social_accounts, isDraft: true })
  assert.deepEqual(await client.socialPosts.delete(unwanted.id), { success: true })
  const cancelled = await client.socialPosts.create({
    caption: 'A cancelled post',
    social_accounts,
    scheduled_at: soon(800),
  })
  assert.deepEqual(await client.socialPosts.delete(cancelled.id), { success: true })
  await assert.rejects(client.socialPosts.retrieve(cancelled.id), PostForMe.NotFoundError)

  // From `processing` on nothing can change it: the sandbox answers this one slowly.
  await sandbox('POST', 'faults', { platform: 'bluesky', kind: 'slow', after_ms: 1_500 })
  const busy = await client.socialPosts.create({ caption: 'On its way', social_accounts })
  await refused(client.socialPosts.update(busy.id, { caption: 'Too late', social_accounts, isDraft: true }))
  await refused(client.socialPosts.delete(busy.id))
  assert.equal((await client.socialPosts.retrieve(busy.id)).status, 'processing')
  await untilStatus(busy.id, 'processed')
  await refused(client.socialPosts.update(busy.id, { caption: 'Too late', social_accounts, isDraft: true }))
  await refused(client.socialPosts.delete(busy.id))
  assert.equal((await client.socialPosts.retrieve(busy.id)).caption, 'On its way')
  assert.equal((await published('Too late')).length, 0)
  assert.equal((await published('A cancelled post')).length, 0)

  // Lists: arrays, several filters, totals.
  const ids = async (query: Parameters<typeof client.socialPosts.list>[0]) =>
    (await client.socialPosts.list(query)).data.map((post) => post.id)
  assert.deepEqual(await ids({ external_id: ['mine-1'] }), [instant.id])
  assert.deepEqual(await ids({ status: ['processing', 'processed'] }), [busy.id, instant.id, draft.id])
  assert.deepEqual(await ids({ status: ['scheduled'] }), [])
  assert.deepEqual(await ids({ platform: ['x'] }), [])
  const page = await client.socialPosts.list({
    platform: ['bluesky', 'x'],
    social_account_id: social_accounts,
    limit: 2,
  })
  assert.equal(page.meta.total, 3)
  assert.equal(page.data.length, 2)
  assert.ok(page.meta.next?.startsWith(url))
  console.log('draft, schedule, move, publish, refuse, list: all as promised')
} finally {
  await belfry.stop()
}
