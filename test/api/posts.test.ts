/** Creating, reading, replacing and deleting posts (contract 6, 7, 19). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startApi, type Wire } from './api.ts'

const api = await startApi()
const account = await api.account()
const other = await api.account('x')

const draft = (more: object = {}) => ({ caption: 'Hello', social_accounts: [account], isDraft: true, ...more })
const later = (ms = 3_600_000) => new Date(Date.now() + ms).toISOString()

async function create(body: unknown, status = 201): Promise<Wire> {
  const reply = await api.call('POST', '/v1/social-posts', { body })
  assert.equal(reply.status, status, reply.text)
  return reply.body
}

/** The problems of a body that is refused, in the shape that posts have. */
async function problems(body: unknown, method = 'POST', path = '/v1/social-posts'): Promise<string[]> {
  const reply = await api.call(method, path, { body })
  assert.equal(reply.status, 400, reply.text)
  assert.equal(reply.body.statusCode, 400)
  assert.equal(reply.body.message, 'Invalid Request')
  assert.equal(reply.body.code, 'invalid_request')
  assert.ok(Array.isArray(reply.body.errors) && reply.body.errors.length > 0)
  return reply.body.errors
}

async function refused(body: unknown, ...expected: RegExp[]): Promise<void> {
  const found = await problems(body)
  for (const look of expected)
    assert.ok(
      found.some((text) => look.test(text)),
      `${look} in ${JSON.stringify(found)}`,
    )
}

test('a post answers with every field, and reading it gives the same', async () => {
  const post = await create(draft())
  assert.match(post.id, /^sp_[0-9A-Za-z]{20,32}$/)
  assert.deepEqual(Object.keys(post).sort(), [
    'account_configurations',
    'caption',
    'created_at',
    'external_id',
    'id',
    'media',
    'platform_configurations',
    'scheduled_at',
    'social_accounts',
    'status',
    'updated_at',
  ])
  assert.deepEqual(
    [post.external_id, post.scheduled_at, post.media, post.platform_configurations, post.account_configurations],
    [null, null, [], {}, []],
  )
  assert.deepEqual((await api.call('GET', `/v1/social-posts/${post.id}`)).body, post)
})

test('the status follows isDraft and scheduled_at', async () => {
  const at = later()
  assert.equal((await create(draft())).status, 'draft')
  const planned = await create(draft({ scheduled_at: at }))
  assert.deepEqual([planned.status, planned.scheduled_at], ['draft', at])
  const scheduled = await create(draft({ isDraft: false, scheduled_at: at }))
  assert.deepEqual([scheduled.status, scheduled.scheduled_at], ['scheduled', at])
  for (const isDraft of [false, null, undefined]) {
    const instant = await create({ caption: 'now', social_accounts: [account], isDraft })
    assert.equal(instant.status, 'processing')
    assert.equal(instant.scheduled_at, instant.created_at)
  }
})

test('the worker and the dispatcher are woken after a commit, with the time', async () => {
  const before = api.wakes.length
  await create(draft())
  assert.equal(api.wakes.length, before)
  await create({ caption: 'now', social_accounts: [account] })
  assert.deepEqual(api.wakes.slice(before), [null])
  const at = later()
  await create({ caption: 'later', social_accounts: [account], scheduled_at: at })
  assert.equal(api.wakes.at(-1)?.toISOString(), at)
})

test('the required fields are required, with their types, all told at once', async () => {
  await refused({}, /^caption is required$/, /^social_accounts is required$/)
  await refused([], /JSON object/)
  await refused('"text"', /JSON object/)
  await refused(draft({ caption: '' }), /^caption must not be empty/)
  for (const caption of [1, null, [], {}, true]) await refused(draft({ caption }), /^caption must be a string, got/)
  for (const social_accounts of ['spc_1', {}, null, 1]) {
    await refused(draft({ social_accounts }), /^social_accounts must be an array/)
  }
  await refused(draft({ social_accounts: [1] }), /^social_accounts\[0\] must be a string, got 1/)
  await refused(
    { caption: 5, social_accounts: ['spc_none', 'spc_none'], isDraft: 'false', scheduled_at: 'soon', media: [{}] },
    /^caption must/,
    /more than once/,
    /^isDraft must be true or false or null, got "false"/,
    /^scheduled_at must/,
    /^media\[0\].url is required/,
    /do not exist.*spc_none/,
  )
  assert.equal((await create(draft({ caption: ' ' }))).caption, ' ')
})

test('accounts must exist here, once; only a draft may have none', async () => {
  await refused(draft({ social_accounts: ['spc_nope', account] }), /do not exist.*"spc_nope"/)
  await refused(draft({ social_accounts: [account, other, account] }), new RegExp(`"${account}" more than once`))
  await refused({ caption: 'x', social_accounts: [] }, /^social_accounts must not be empty/)
  await refused({ caption: 'x', social_accounts: [], isDraft: null, scheduled_at: later() }, /must not be empty/)
  assert.deepEqual((await create(draft({ social_accounts: [] }))).social_accounts, [])
  await refused(draft({ social_accounts: ['x'.repeat(100_000)] }), /do not exist/)
})

test('500 accounts and 100 media items are the most', async () => {
  const many = (count: number) => Array.from({ length: count }, (_, n) => `spc_${n}`)
  const media = (count: number) => Array.from({ length: count }, (_, n) => ({ url: `https://example.com/${n}.jpg` }))
  assert.deepEqual(await problems(draft({ social_accounts: many(501) })), [
    'social_accounts must have at most 500 items, got 501',
  ])
  assert.deepEqual(await problems(draft({ social_accounts: many(10_000) })), [
    'social_accounts must have at most 500 items, got 10000',
  ])
  await refused(draft({ media: media(101) }), /^media must have at most 100 items, got 101/)
  await refused(
    draft({ platform_configurations: { x: { media: media(101) } } }),
    /^platform_configurations.x.media must have at most 100/,
  )
  await refused(
    draft({ account_configurations: [{ social_account_id: account, configuration: { media: media(101) } }] }),
    /^account_configurations\[0\].configuration.media must have at most 100/,
  )
  await refused(
    draft({ media: [{ url: 'https://example.com/a.jpg', tags: Array(101).fill({}) }] }),
    /^media\[0\].tags must have at most 100 items, got 101/,
  )
  assert.equal((await create(draft({ media: media(100) }))).media.length, 100)
})

test('a reference has at most 500 characters, of any width', async () => {
  const wide = '😀'.repeat(500)
  assert.equal((await create(draft({ external_id: wide }))).external_id, wide)
  await refused(draft({ external_id: `${wide}x` }), /^external_id must have at most 500 characters/)
})

test('500 accounts go into one post, in request order', async () => {
  const rows = await api.db.rows<{ id: string }>(
    `insert into accounts (id, project_id, platform, user_id, origin, access_token_expires_at, created_at, updated_at)
     select 'spc_many' || n, $1, 'x', 'many' || n, 'sandbox', now(), now(), now() from generate_series(1, 500) n
     returning id`,
    [api.projectId],
  )
  const ids = rows.map((row) => row.id).sort(() => Math.random() - 0.5)
  const post = await create(draft({ social_accounts: ids }))
  assert.deepEqual(
    post.social_accounts.map((one: Wire) => one.id),
    ids,
  )
  assert.deepEqual((await api.call('GET', `/v1/social-posts/${post.id}`)).body, post)
  await api.db.rows(`delete from targets where account_id like 'spc_many%'`)
  await api.db.rows(`delete from accounts where id like 'spc_many%'`)
})

test('times are read strictly, and up to a minute in the past is still now', async () => {
  for (const scheduled_at of [
    '',
    'tomorrow',
    '2027-02-30T10:00:00Z',
    '2027-01-01T25:00:00Z',
    '10000-01-01T00:00:00Z',
  ]) {
    await refused(draft({ scheduled_at }), /^scheduled_at must be a date and time/)
  }
  for (const scheduled_at of [1_900_000_000, true, {}, []]) {
    await refused(draft({ scheduled_at }), /^scheduled_at must be a string or null/)
  }
  await refused(draft({ scheduled_at: later(-61_000) }), /^scheduled_at must not be in the past/)
  await refused({ caption: 'x', social_accounts: [account], scheduled_at: '2001-01-01' }, /in the past/)
  const young = await create({ caption: 'x', social_accounts: [account], scheduled_at: later(-30_000) })
  assert.equal(young.status, 'scheduled')
  const spelled: [string, string][] = [
    ['2030-06-01', '2030-06-01T00:00:00.000Z'],
    ['2030-06-01T10:00', '2030-06-01T10:00:00.000Z'],
    ['2030-06-01T10:00:00+02:00', '2030-06-01T08:00:00.000Z'],
    ['2030-06-01T10:00:00.0001Z', '2030-06-01T10:00:00.001Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ]
  for (const [sent, means] of spelled) {
    const post = await create(draft({ scheduled_at: sent }))
    assert.equal(post.scheduled_at, means)
    assert.equal((await api.call('GET', `/v1/social-posts/${post.id}`)).body.scheduled_at, means)
  }
})

test('media addresses are checked at every level, covers too', async () => {
  const bad = (url: string) => [{ url }]
  for (const url of [
    '',
    'not a url',
    '/a.jpg',
    'ftp://example.com/a.jpg',
    'file:///etc/passwd',
    'http://localhost/a.jpg',
    'http://LOCALHOST./a.jpg',
    'http://a.localhost:8080/a.jpg',
    'http://127.0.0.1/a.jpg',
    'http://2130706433/a.jpg',
    'http://0x7f.1/a.jpg',
    'http://93.184.216.34/a.jpg',
    'http://[::1]/a.jpg',
    'https://user:password@example.com/a.jpg',
  ]) {
    await refused(draft({ media: bad(url) }), /^media\[0\].url /)
  }
  const config = { media: [{ url: 'https://example.com/a.jpg', thumbnail_url: 'http://localhost/b.jpg' }] }
  await refused(draft({ platform_configurations: { x: config } }), /^x: media\[0\].thumbnail_url /)
  await refused(
    draft({ account_configurations: [{ social_account_id: account, configuration: config }] }),
    new RegExp(`^account ${account}: media\\[0\\].thumbnail_url `),
  )
  const own = `${api.url}/media/abc`
  assert.equal((await create(draft({ media: bad(own) }))).media[0].url, own)
})

test('a media item answers with all five keys, tags as sent', async () => {
  const tags = [
    { id: '7', platform: 'facebook', type: 'user', x: 0.5, y: 20 },
    { id: '8', platform: 'instagram', type: 'product' },
  ]
  const url = 'https://example.com/a.jpg'
  const post = await create(
    draft({
      media: [
        { url },
        { url, thumbnail_url: null, thumbnail_timestamp_ms: null, tags: null, skip_processing: null },
        { url, thumbnail_url: `${url}?t`, thumbnail_timestamp_ms: 1500, tags, skip_processing: true, unknown: 1 },
      ],
    }),
  )
  const bare = { url, thumbnail_url: null, thumbnail_timestamp_ms: null, tags: null, skip_processing: false }
  assert.deepEqual(post.media, [
    bare,
    bare,
    { url, thumbnail_url: `${url}?t`, thumbnail_timestamp_ms: 1500, tags, skip_processing: true },
  ])
  await refused(draft({ media: 'x' }), /^media must be an array or null/)
  await refused(draft({ media: [{ url: 5 }] }), /^media\[0\].url must be a string, got 5/)
  await refused(draft({ media: [{ url, thumbnail_timestamp_ms: -1 }] }), /must not be less than 0/)
  await refused(draft({ media: [{ url, thumbnail_timestamp_ms: 1.5 }] }), /whole number/)
  await refused(
    draft({ media: [{ url, tags: [{ id: '1', platform: 'x', type: 'user' }] }] }),
    /tags\[0\].platform must be one of/,
  )
  await refused(draft({ media: [{ url, skip_processing: 'yes' }] }), /skip_processing must be true or false or null/)
  await refused(draft({ media: [null] }), /^media\[0\] must be an object/)
})

test('configurations are echoed as sent, unknown keys too, with caption and media filled in', async () => {
  const odd = { new_field: { deep: [1, 'two', null, { three: false }] }, reply_settings: null, ünïcode: '😀' }
  const media = [{ url: 'https://example.com/o.jpg' }]
  const post = await create(
    draft({
      social_accounts: [account, other],
      platform_configurations: { x: odd, bluesky: null, facebook: { caption: 'F', media: null } },
      account_configurations: [{ social_account_id: other, configuration: { caption: '', media, title: 'T' } }],
    }),
  )
  assert.deepEqual(post.platform_configurations, {
    x: { ...odd, caption: null, media: [] },
    facebook: { caption: 'F', media: [] },
  })
  const filled = { thumbnail_url: null, thumbnail_timestamp_ms: null, tags: null, skip_processing: false }
  assert.deepEqual(post.account_configurations, [
    { social_account_id: other, configuration: { caption: '', media: [{ ...media[0], ...filled }], title: 'T' } },
  ])
  assert.deepEqual((await api.call('GET', `/v1/social-posts/${post.id}`)).body, post)
})

test('what was read can be written back and stays the same', async () => {
  const post = await create(
    draft({
      external_id: 'mine',
      scheduled_at: later(),
      media: [{ url: 'https://example.com/d.jpg' }],
      platform_configurations: { x: { caption: 'X' }, bluesky: { media: [{ url: 'https://example.com/p.jpg' }] } },
      account_configurations: [{ social_account_id: account, configuration: { title: 'T' } }],
    }),
  )
  const { id, created_at, updated_at, status, social_accounts, ...rest } = post
  const back = { ...rest, isDraft: true, social_accounts: social_accounts.map((one: Wire) => one.id) }
  const put = await api.call('PUT', `/v1/social-posts/${id}`, { body: back })
  assert.equal(put.status, 200)
  assert.deepEqual({ ...put.body, updated_at }, post)
})

test('configurations for unknown platforms and accounts, or twice, are refused', async () => {
  const configuration = { caption: 'x' }
  await refused(draft({ platform_configurations: { myspace: {} } }), /^platform_configurations.myspace is not known/)
  await refused(draft({ platform_configurations: [] }), /^platform_configurations must be an object or null/)
  await refused(
    draft({ platform_configurations: { x: 'text' } }),
    /^platform_configurations.x must be an object or null/,
  )
  await refused(draft({ platform_configurations: { x: { caption: 5 } } }), /x.caption must be a string or null/)
  await refused(
    draft({ account_configurations: [{ social_account_id: other, configuration }] }),
    /which is not in social_accounts/,
  )
  const entry = { social_account_id: account, configuration }
  await refused(draft({ account_configurations: [entry, entry] }), /more than one entry/)
  await refused(draft({ account_configurations: {} }), /^account_configurations must be an array or null/)
  await refused(draft({ account_configurations: [{}] }), /social_account_id is required/, /configuration is required/)
  await refused(draft({ account_configurations: [null] }), /^account_configurations\[0\] must be an object/)
})

test('known fields of a platform have their types; null is unset, other platforms’ fields are ignored', async () => {
  await refused(draft({ platform_configurations: { x: { reply_settings: 'nobody' } } }), /reply_settings/)
  await refused(draft({ platform_configurations: { tiktok: { allow_comment: 'yes' } } }), /allow_comment/)
  await refused(
    draft({ account_configurations: [{ social_account_id: account, configuration: { allow_comment: 'yes' } }] }),
    /allow_comment/,
  )
  const fine = { localizations: null, placement: null, allow_comment: 'ignored here' }
  const post = await create(draft({ platform_configurations: { bluesky: fine } }))
  assert.deepEqual(post.platform_configurations.bluesky, { ...fine, caption: null, media: [] })
})

test('accounts inside posts are whole, in request order, without tokens', async () => {
  const post = await create(draft({ social_accounts: [other, account] }))
  assert.deepEqual(
    post.social_accounts.map((one: Wire) => one.id),
    [other, account],
  )
  for (const one of post.social_accounts) {
    assert.deepEqual([one.access_token, one.refresh_token, one.status], ['', '', 'connected'])
    assert.ok('metadata' in one && 'profile_photo_url' in one)
  }
})

test('PUT replaces everything and keeps id and created_at', async () => {
  const post = await create(
    draft({ external_id: 'e', media: [{ url: 'https://example.com/a.jpg' }], platform_configurations: { x: {} } }),
  )
  const at = later()
  const reply = await api.call('PUT', `/v1/social-posts/${post.id}`, {
    body: { caption: 'New', social_accounts: [other], scheduled_at: at },
  })
  assert.equal(reply.status, 200)
  const { body } = reply
  assert.deepEqual(
    [body.id, body.created_at, body.caption, body.status, body.scheduled_at, body.external_id, body.media],
    [post.id, post.created_at, 'New', 'scheduled', at, null, []],
  )
  assert.deepEqual([body.platform_configurations, body.account_configurations], [{}, []])
  assert.deepEqual(
    body.social_accounts.map((one: Wire) => one.id),
    [other],
  )
  assert.ok(body.updated_at > post.updated_at)
})

test('PUT moves a post between draft and scheduled and publishes it', async () => {
  const { id } = await create(draft())
  const put = async (body: object) => (await api.call('PUT', `/v1/social-posts/${id}`, { body })).body.status
  const base = { caption: 'x', social_accounts: [account] }
  assert.equal(await put({ ...base, scheduled_at: later() }), 'scheduled')
  assert.equal(await put({ ...base, isDraft: true }), 'draft')
  assert.equal(await put({ ...base, scheduled_at: later() }), 'scheduled')
  assert.equal(await put(base), 'processing')
  assert.equal(api.wakes.at(-1), null)
})

test('a partial PUT is refused in words, and nothing changes', async () => {
  const post = await create(draft())
  const found = await problems({ isDraft: true }, 'PUT', `/v1/social-posts/${post.id}`)
  assert.deepEqual(found, [
    'caption is required: PUT replaces the whole post; nothing was changed',
    'social_accounts is required: PUT replaces the whole post; nothing was changed',
  ])
  assert.deepEqual(await problems({ caption: 'x' }, 'PUT', `/v1/social-posts/${post.id}`), [found[1]])
  assert.deepEqual((await api.call('GET', `/v1/social-posts/${post.id}`)).body, post)
  assert.equal((await api.call('PUT', '/v1/social-posts/sp_none', { body: {} })).status, 404)
  assert.equal((await api.call('PUT', '/v1/social-posts/sp_none', { body: draft() })).status, 404)
})

test('a post that is processing or processed can be neither replaced nor deleted', async () => {
  const { id } = await create({ caption: 'x', social_accounts: [account] })
  for (const status of ['processing', 'processed']) {
    await api.db.rows('update posts set status = $2, open_deliveries = 0 where id = $1', [id, status])
    const before = (await api.call('GET', `/v1/social-posts/${id}`)).body
    for (const method of ['PUT', 'DELETE']) {
      const reply = await api.call(method, `/v1/social-posts/${id}`, { ...(method === 'PUT' && { body: draft() }) })
      assert.equal(reply.status, 400)
      assert.match(reply.body.message, new RegExp(status))
      assert.ok(!('errors' in reply.body))
    }
    assert.deepEqual((await api.call('GET', `/v1/social-posts/${id}`)).body, before)
  }
})

test('DELETE removes a draft and a scheduled post, once', async () => {
  for (const body of [draft(), { caption: 'x', social_accounts: [account], scheduled_at: later() }]) {
    const { id } = await create(body)
    const reply = await api.call('DELETE', `/v1/social-posts/${id}`)
    assert.deepEqual([reply.status, reply.body], [200, { success: true }])
    assert.equal((await api.call('GET', `/v1/social-posts/${id}`)).status, 404)
    assert.equal((await api.call('DELETE', `/v1/social-posts/${id}`)).status, 404)
  }
})

test('If-Match lets only the version through that was read', async () => {
  const made = await api.call('POST', '/v1/social-posts', { body: draft() })
  const path = `/v1/social-posts/${made.body.id}`
  const etag = made.headers.get('etag')!
  assert.match(etag, /^"\d+"$/)
  assert.equal((await api.call('GET', path)).headers.get('etag'), etag)
  const put = (match: string) =>
    api.call('PUT', path, { body: draft({ caption: match }), headers: { 'if-match': match } })
  const second = await put(etag)
  assert.equal(second.status, 200)
  assert.notEqual(second.headers.get('etag'), etag)
  for (const stale of [etag, `W/${etag}`, '"0"', '"99999999999999999999"', 'nonsense', '"a"']) {
    const reply = await put(stale)
    assert.deepEqual([reply.status, reply.body.code], [412, 'version_mismatch'], stale)
    assert.equal((await api.call('DELETE', path, { headers: { 'if-match': stale } })).status, 412)
  }
  assert.equal((await api.call('GET', path)).body.caption, etag)
  assert.equal((await put(`"77", ${second.headers.get('etag')}`)).status, 200)
  assert.equal((await put('*')).status, 200)
  const last = (await api.call('GET', path)).headers.get('etag')!
  assert.equal((await api.call('DELETE', path, { headers: { 'if-match': `W/${last}` } })).status, 200)
  assert.equal((await api.call('DELETE', path, { headers: { 'if-match': last } })).status, 404)
})

test('every write leaves its event, a refused one none', async () => {
  const events = async (id: string) =>
    (await api.db.rows<{ type: string }>('select type from events where post_id = $1 order by seq', [id])).map(
      (e) => e.type,
    )
  const { id } = await create(draft())
  await api.call('PUT', `/v1/social-posts/${id}`, { body: draft({ caption: '' }) })
  await api.call('PUT', `/v1/social-posts/${id}`, { body: draft({ caption: 'b' }) })
  await api.call('DELETE', `/v1/social-posts/${id}`)
  await api.call('DELETE', `/v1/social-posts/${id}`)
  assert.deepEqual(await events(id), ['social.post.created', 'social.post.updated', 'social.post.deleted'])
})

test('a disconnected account may still be targeted', async () => {
  const id = await api.account()
  await api.call('POST', `/v1/social-accounts/${id}/disconnect`)
  const post = await create({ caption: 'x', social_accounts: [id], scheduled_at: later() })
  assert.equal(post.social_accounts[0].status, 'disconnected')
})
