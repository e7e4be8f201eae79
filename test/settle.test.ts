import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Ending, settle, take } from '../src/lifecycle/attempts.ts'
import type { HeldDelivery } from '../src/model/delivery.ts'
import { openBench } from './fixtures/ledger.ts'

function published(held: HeldDelivery): Ending {
  return {
    id: held.id,
    fence: held.fence,
    postId: held.postId,
    projectId: held.projectId,
    accountId: held.account.id,
    outcome: 'published',
    error: null,
    code: null,
    details: null,
    platformData: {},
    media: [],
    attempt: { kind: 'publish', outcome: 'published', reason: null },
    reconnect: null,
    sealed: null,
  }
}

test('1,000 times the last two deliveries of a post settle at once, and no post stays in processing', async () => {
  const bench = await openBench(2, 20)
  try {
    const order = { worker: 'test', limit: 500, leaseMs: 60_000 }
    for (let round = 0; round < 100; round += 1) {
      // One post at a time can be sent per account: ten pairs are ten rounds of one.
      for (let pair = 0; pair < 10; pair += 1) {
        await bench.post()
        const held = await take(bench.db, bench.clock, order)
        assert.equal(held.length, 2)
        await Promise.all(held.map((one) => settle(bench.db, bench.clock, [published(one)])))
      }
    }
    const posts = await bench.db.rows(
      'select status, open_deliveries as open, count(*) as count from posts group by 1, 2',
    )
    assert.deepEqual(posts, [{ status: 'processed', open: 0, count: 1_000 }])
    const events = await bench.db.rows<{ count: number }>(
      `select count(*) as count from events where type = 'social.post.updated'`,
    )
    assert.equal(events[0]?.count, 1_000)
  } finally {
    await bench.drop()
  }
})

test('batches that settle the same posts in opposite orders neither deadlock nor miss each other', async () => {
  const bench = await openBench(40, 20)
  try {
    for (let round = 0; round < 25; round += 1) {
      // 20 posts, each on two accounts of its own.
      for (let n = 0; n < 20; n += 1) await bench.post({ accountIds: bench.accounts.slice(n * 2, n * 2 + 2) })
      const held = await take(bench.db, bench.clock, { worker: 'test', limit: 100, leaseMs: 60_000 })
      assert.equal(held.length, 40)
      const [first, second] = [0, 1].map((part) =>
        [...Map.groupBy(held, (one) => one.postId).values()].map((pair) => published(pair[part]!)),
      )
      await Promise.all([settle(bench.db, bench.clock, first!), settle(bench.db, bench.clock, second!.toReversed())])
    }
    const open = await bench.db.rows(`select id from posts where status <> 'processed' or open_deliveries <> 0`)
    assert.deepEqual(open, [])
  } finally {
    await bench.drop()
  }
})

test('a settle under an old fence changes nothing', async () => {
  const bench = await openBench(1)
  try {
    const post = await bench.post()
    const [held] = await take(bench.db, bench.clock, { worker: 'test', limit: 1, leaseMs: 60_000 })
    assert.deepEqual(await settle(bench.db, bench.clock, [published({ ...held!, fence: held!.fence - 1 })]), [])
    const [row] = await bench.db.rows<{ status: string }>('select status from posts where id = $1', [post.id])
    assert.equal(row?.status, 'processing')
    assert.equal((await settle(bench.db, bench.clock, [published(held!)])).length, 1)
    assert.deepEqual(await settle(bench.db, bench.clock, [published(held!)]), [], 'settled twice')
  } finally {
    await bench.drop()
  }
})
