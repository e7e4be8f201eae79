/** Post results (contract 11). Deliveries are settled by hand here: what settles them has its own tests. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApi, type Wire } from './api.ts'

const api = await startApi()
const onBluesky = await api.account('bluesky')
const onX = await api.account('x')

async function instantPost(...accounts: string[]): Promise<string> {
  const reply = await api.call('POST', '/v1/social-posts', { body: { caption: 'x', social_accounts: accounts } })
  assert.equal(reply.status, 201)
  return reply.body.id
}

interface Settled {
  outcome: 'published' | 'failed' | 'unknown'
  error?: string
  code?: string
  details?: object
  platformData?: object
  media?: object[]
}

async function settle(postId: string, account: string, settled: Settled): Promise<string> {
  const rows = await api.db.rows<{ id: string }>(
    `update deliveries set state = $3, outcome = $4, error = $5, code = $6, details = $7, platform_data = $8, media = $9,
       settled_at = clock_timestamp(), lease_until = null
     where post_id = $1 and account_id = $2 returning id`,
    [
      postId,
      account,
      settled.outcome === 'published' ? 'published' : 'failed',
      settled.outcome,
      settled.error ?? null,
      settled.code ?? null,
      settled.details ? JSON.stringify(settled.details) : null,
      settled.platformData ? JSON.stringify(settled.platformData) : null,
      settled.media ? JSON.stringify(settled.media) : null,
    ],
  )
  return rows[0]!.id
}

test('a result is there as soon as its account is settled, and not before', async () => {
  const post = await instantPost(onBluesky, onX)
  const list = () => api.call('GET', `/v1/social-post-results?post_id=${post}`)
  assert.equal((await list()).body.meta.total, 0)
  const id = await settle(post, onX, { outcome: 'published', platformData: { id: '1', url: 'https://x.example/1' } })
  const { body } = await list()
  assert.equal(body.meta.total, 1)
  assert.deepEqual(body.data, [
    {
      id,
      post_id: post,
      social_account_id: onX,
      success: true,
      error: null,
      details: null,
      platform_data: { id: '1', url: 'https://x.example/1' },
      media: [],
      outcome: 'published',
    },
  ])
  assert.match(id, /^spr_/)
  assert.deepEqual((await api.call('GET', `/v1/social-post-results/${id}`)).body, body.data[0])
})

test('an unsettled delivery is not found as a result', async () => {
  const post = await instantPost(onBluesky)
  const rows = await api.db.rows<{ id: string }>('select id from deliveries where post_id = $1', [post])
  assert.equal((await api.call('GET', `/v1/social-post-results/${rows[0]!.id}`)).status, 404)
})

test('a failure has its reason and code, an object of platform data, and no secret', async () => {
  const post = await instantPost(onBluesky, onX)
  const failed = await settle(post, onBluesky, {
    outcome: 'failed',
    error: 'Refused: Bearer abcdef123456 is not allowed',
    code: 'platform_refused',
    details: { access_token: 'secret-1', nested: { authorization: 'Bearer secret-2' }, status: 400 },
    platformData: { id: null, url: null } as object,
  })
  const unknown = await settle(post, onX, {
    outcome: 'unknown',
    error: 'Outcome unknown: the connection broke.',
    code: 'outcome_unknown',
    platformData: { id: '7' },
  })
  const a = await api.call('GET', `/v1/social-post-results/${failed}`)
  assert.deepEqual([a.body.success, a.body.outcome, a.body.platform_data], [false, 'failed', {}])
  assert.deepEqual([a.body.details.code, a.body.details.status], ['platform_refused', 400])
  assert.ok(!/secret-|abcdef123456/.test(a.text), a.text)
  const { body: b } = await api.call('GET', `/v1/social-post-results/${unknown}`)
  assert.deepEqual(
    [b.success, b.outcome, b.platform_data, b.details],
    [false, 'unknown', { id: '7' }, { code: 'outcome_unknown' }],
  )
  assert.match(b.error, /^Outcome unknown:/)
})

test('results are listed the last settled first, filtered and paged over results', async () => {
  const posts = [await instantPost(onBluesky, onX), await instantPost(onX)]
  const first = await settle(posts[0]!, onX, { outcome: 'published' })
  const second = await settle(posts[1]!, onX, { outcome: 'failed' })
  const third = await settle(posts[0]!, onBluesky, { outcome: 'published' })
  const ids = async (query: string) => {
    const { body } = await api.call('GET', `/v1/social-post-results?${query}`)
    return body.data.map((one: Wire) => one.id)
  }
  const both = `post_id=${posts.join(',')}`
  assert.deepEqual(await ids(both), [third, second, first])
  assert.deepEqual((await ids('')).slice(0, 3), [third, second, first])
  assert.deepEqual(await ids(`${both}&platform=x`), [second, first])
  assert.deepEqual(await ids(`${both}&social_account_id=${onBluesky}`), [third])
  assert.deepEqual(await ids(`post_id=${posts[0]}&platform=x&social_account_id=${onX}`), [first])
  assert.deepEqual(await ids(`post_id=${posts[0]}&platform=facebook`), [])
  assert.deepEqual(await ids(`${both}&limit=1&offset=1`), [second])
  const { body } = await api.call('GET', `/v1/social-post-results?${both}&limit=2`)
  assert.equal(body.meta.total, 3)
  assert.equal(body.meta.next, `${api.url}/v1/social-post-results?post_id=${posts.join('%2C')}&limit=2&offset=2`)
  assert.equal((await api.call('GET', '/v1/social-post-results?platform=myspace')).status, 400)
})
