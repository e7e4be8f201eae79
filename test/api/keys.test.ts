/** What a key may do: scopes, accounts, tokens, rate; and the project's own settings (contract 1.3, 19.12). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scopes } from '../../src/model/project.ts'
import { newProject, startApi, type Wire } from './api.ts'

const api = await startApi()

test('a key without the scope is 403 missing_scope, naming the scope', async () => {
  const routes: [string, string, string][] = [
    ['GET', '/v1/social-posts', 'posts:read'],
    ['GET', '/v1/social-posts/sp_1', 'posts:read'],
    ['GET', '/v1/social-post-results', 'posts:read'],
    ['GET', '/v1/social-post-results/spr_1', 'posts:read'],
    ['POST', '/v1/social-posts', 'posts:write'],
    ['PUT', '/v1/social-posts/sp_1', 'posts:write'],
    ['DELETE', '/v1/social-posts/sp_1', 'posts:write'],
    ['GET', '/v1/social-accounts', 'accounts:read'],
    ['GET', '/v1/social-accounts/spc_1', 'accounts:read'],
    ['POST', '/v1/social-accounts', 'accounts:write'],
    ['PATCH', '/v1/social-accounts/spc_1', 'accounts:write'],
    ['DELETE', '/v1/social-accounts/spc_1', 'accounts:write'],
    ['POST', '/v1/social-accounts/spc_1/disconnect', 'accounts:write'],
    ['POST', '/v1/social-accounts/auth-url', 'accounts:write'],
    ['GET', '/v1/project', 'admin'],
    ['PATCH', '/v1/project', 'admin'],
    ['GET', '/v1/api-keys', 'admin'],
    ['POST', '/v1/api-keys', 'admin'],
    ['DELETE', '/v1/api-keys/key_1', 'admin'],
    ['GET', '/v1/provider-credentials', 'admin'],
    ['PUT', '/v1/provider-credentials/x', 'admin'],
    ['DELETE', '/v1/provider-credentials/x', 'admin'],
  ]
  for (const [method, path, scope] of routes) {
    const { key } = await api.newKey({ scopes: scopes.filter((one) => one !== scope) })
    const reply = await api.call(method, path, { key, ...(method !== 'GET' && { body: {} }) })
    assert.deepEqual([reply.status, reply.body.code], [403, 'missing_scope'], `${method} ${path}`)
    assert.ok(reply.body.message.includes(scope))
  }
})

test('a key that is limited to accounts sees and uses only those', async () => {
  const { key: full, projectId } = await api.newKey({ projectId: await newProject(api.db, api.clock) })
  const mine = await api.account('x', {}, full)
  const other = await api.account('x', {}, full)
  const { key } = await api.newKey({ projectId, accountIds: [mine] })
  const call = (method: string, path: string, body?: unknown) => api.call(method, path, { key, body })
  const make = async (accounts: string[], more: object = {}) =>
    (
      await api.call('POST', '/v1/social-posts', {
        key: full,
        body: { caption: 'x', social_accounts: accounts, isDraft: true, ...more },
      })
    ).body.id
  const configured = { account_configurations: [{ social_account_id: other, configuration: { caption: 'secret' } }] }
  const own = await make([mine])
  const foreign = await make([other])
  const mixed = await make([mine, other], configured)
  const empty = await make([])

  const accounts = (await call('GET', '/v1/social-accounts')).body
  assert.deepEqual([accounts.meta.total, accounts.data[0].id], [1, mine])
  assert.equal((await call('GET', `/v1/social-accounts/${other}`)).status, 404)
  assert.equal((await call('DELETE', `/v1/social-accounts/${other}`)).status, 404)
  assert.equal((await call('POST', `/v1/social-accounts/${other}/disconnect`)).status, 404)
  assert.equal((await call('PATCH', `/v1/social-accounts/${other}`, { username: 'x' })).status, 404)

  const { body } = await call('GET', '/v1/social-posts')
  assert.deepEqual(
    body.data.map((post: Wire) => post.id),
    [mixed, own],
  )
  assert.equal(body.meta.total, 2)
  const seen = (await call('GET', `/v1/social-posts/${mixed}`)).body
  assert.deepEqual(
    seen.social_accounts.map((one: Wire) => one.id),
    [mine],
  )
  assert.deepEqual(seen.account_configurations, [])
  for (const hidden of [foreign, empty]) assert.equal((await call('GET', `/v1/social-posts/${hidden}`)).status, 404)

  const draft = { caption: 'y', social_accounts: [mine], isDraft: true }
  assert.equal((await call('POST', '/v1/social-posts', draft)).status, 201)
  assert.match((await call('POST', '/v1/social-posts', { ...draft, social_accounts: [other] })).text, /do not exist/)
  assert.equal((await call('POST', '/v1/social-posts', { ...draft, social_accounts: [] })).status, 400)
  assert.equal((await call('PUT', `/v1/social-posts/${own}`, draft)).status, 200)
  assert.equal((await call('PUT', `/v1/social-posts/${foreign}`, draft)).status, 404)
  assert.equal((await call('DELETE', `/v1/social-posts/${foreign}`)).status, 404)
  assert.equal((await call('PUT', `/v1/social-posts/${mixed}`, draft)).body.code, 'missing_scope')
  assert.equal((await call('DELETE', `/v1/social-posts/${mixed}`)).body.code, 'missing_scope')
  assert.equal((await api.call('GET', `/v1/social-posts/${mixed}`, { key: full })).body.caption, 'x')

  const connected = await call('POST', '/v1/social-accounts', {
    platform: 'x',
    user_id: 'new',
    access_token: 't',
    access_token_expires_at: '2030-01-01',
  })
  assert.equal(connected.body.code, 'missing_scope')
  assert.equal((await api.call('GET', '/v1/social-accounts', { key: full })).body.meta.total, 2)
})

test('a key is shown once, stored as a hash, and works until it is revoked', async () => {
  const made = await api.call('POST', '/v1/api-keys', { body: { label: 'ci', expires_at: '2031-01-01' } })
  assert.equal(made.status, 201)
  const { key, id, hint, ...rest } = made.body
  assert.ok(key.startsWith(hint))
  assert.deepEqual(
    rest.scopes,
    scopes.filter((scope) => scope !== 'admin'),
  )
  assert.deepEqual(
    [rest.label, rest.expires_at, rest.account_ids, rest.reveal_tokens],
    ['ci', '2031-01-01T00:00:00.000Z', null, false],
  )
  assert.equal((await api.call('GET', '/v1/social-posts', { key })).status, 200)
  const listed = await api.call('GET', '/v1/api-keys?limit=1')
  assert.equal(listed.body.data[0].id, id)
  assert.ok(!listed.text.includes(key) && !('key' in listed.body.data[0]))
  const rows = await api.db.rows<{ row: string }>('select row_to_json(k)::text as row from api_keys k')
  assert.ok(rows.every(({ row }) => !row.includes(key)))
  assert.deepEqual((await api.call('DELETE', `/v1/api-keys/${id}`)).body, { success: true })
  assert.equal((await api.call('DELETE', '/v1/api-keys/key_none')).status, 404)
  assert.notEqual((await api.call('GET', '/v1/api-keys?limit=1')).body.data[0].revoked_at, null)
})

test('a key can give no more than it has', async () => {
  const account = await api.account()
  const second = await api.account()
  const { key } = await api.newKey({ scopes: ['admin', 'posts:read'], accountIds: [account] })
  const make = (body: object) => api.call('POST', '/v1/api-keys', { key, body })
  assert.equal((await make({ scopes: ['posts:write'] })).body.code, 'missing_scope')
  assert.equal((await make({ account_ids: [second] })).body.code, 'missing_scope')
  assert.equal((await make({ reveal_tokens: true })).body.code, 'missing_scope')
  const child = (await make({})).body
  assert.deepEqual([child.scopes, child.account_ids], [['posts:read'], [account]])
  for (const body of [
    { scopes: ['all'] },
    { scopes: [] },
    { account_ids: ['spc_none'] },
    { expires_at: '2001-01-01' },
    { label: 5 },
  ]) {
    const reply = await make(body)
    assert.equal(reply.status, 400, JSON.stringify(body))
    assert.ok(Array.isArray(reply.body.message))
  }
})

test('a project reads and changes its own settings', async () => {
  const projectId = await newProject(api.db, api.clock)
  const { key } = await api.newKey({ projectId })
  const patch = (body: object) => api.call('PATCH', '/v1/project', { key, body })
  const before = (await api.call('GET', '/v1/project', { key })).body
  assert.deepEqual(
    [before.id, before.overflow, before.retry_deadline_s, before.return_url],
    [projectId, 'refuse', 21_600, null],
  )
  const name = `renamed ${projectId}`
  const changed = await patch({
    name,
    overflow: 'truncate',
    retry_deadline_s: 60,
    return_url: 'https://app.example/done?x=1',
  })
  assert.equal(changed.status, 200)
  assert.deepEqual((await api.call('GET', '/v1/project', { key })).body, changed.body)
  assert.deepEqual((await patch({})).body, changed.body)
  assert.equal((await patch({ return_url: null })).body.return_url, null)
  for (const body of [
    { name: '' },
    { name: null },
    { overflow: 'cut' },
    { retry_deadline_s: 1 },
    { return_url: 'ftp://x' },
    { return_url: 'x' },
  ]) {
    assert.equal((await patch(body)).status, 400, JSON.stringify(body))
  }
  const other = await api.newKey({ projectId: await newProject(api.db, api.clock) })
  assert.equal((await api.call('PATCH', '/v1/project', { key: other.key, body: { name } })).status, 400)
})

test('app credentials are write-only', async () => {
  const secret = 'super-secret-value'
  const put = (platform: string, body: object) => api.call('PUT', `/v1/provider-credentials/${platform}`, { body })
  assert.equal((await put('x', { client_id: 'id-1', client_secret: secret })).status, 200)
  assert.equal((await put('x', { client_id: 'id-2', client_secret: secret, kind: 'oauth1' })).status, 200)
  assert.equal((await put('x', { client_id: 'id-3', client_secret: secret })).body.client_id, 'id-3')
  const listed = await api.call('GET', '/v1/provider-credentials')
  assert.deepEqual(
    listed.body.data.map((one: Wire) => [one.platform, one.kind, one.client_id, one.client_secret]),
    [
      ['x', 'default', 'id-3', '********'],
      ['x', 'oauth1', 'id-2', '********'],
    ],
  )
  const rows = await api.db.rows<{ sealed: Buffer }>('select sealed from provider_credentials')
  assert.ok(rows.every(({ sealed }) => !sealed.includes(secret)))
  assert.equal((await put('myspace', { client_id: 'a', client_secret: 'b' })).status, 400)
  assert.equal((await put('x', {})).body.message.length, 2)
  assert.equal((await api.call('DELETE', '/v1/provider-credentials/x?kind=oauth1')).status, 200)
  assert.equal((await api.call('DELETE', '/v1/provider-credentials/x?kind=oauth1')).status, 404)
  assert.equal((await api.call('DELETE', '/v1/provider-credentials/x')).status, 200)
  assert.deepEqual((await api.call('GET', '/v1/provider-credentials')).body.data, [])
})

test('rates are limited per key, and a 429 says which limit and how long', async () => {
  const limited = await startApi({ rateLimit: { perSecond: 3, perMinute: 1000 } }, api.db)
  const replies = await Promise.all(Array.from({ length: 5 }, () => limited.call('GET', '/v1/social-posts')))
  const passed = replies.filter((reply) => reply.status === 200)
  const refused = replies.find((reply) => reply.status === 429)!
  assert.equal(passed.length, 3)
  assert.equal(refused.body.code, 'rate_limited')
  const header = (name: string) => refused.headers.get(name)
  assert.match(header('retry-after')!, /^[1-9]\d?$/)
  assert.deepEqual(
    ['limit', 'remaining', 'reset', 'name', 'duration'].map((name) => header(`x-rate-limit-${name}`)),
    ['3', '0', '1', 'per_second_use', '1'],
  )
  assert.match(passed[0]!.headers.get('ratelimit')!, /^"per_second_use";r=\d;t=1, "per_minute_use";r=\d+;t=\d+$/)
  assert.equal(passed[0]!.headers.get('ratelimit-policy'), '"per_second_use";q=3;w=1, "per_minute_use";q=1000;w=60')
  const { key } = await limited.newKey()
  assert.equal((await limited.call('GET', '/v1/social-posts', { key })).status, 200)
})

test('the minute’s limit applies too', async () => {
  const limited = await startApi({ rateLimit: { perSecond: 100, perMinute: 2 } }, api.db)
  for (let n = 0; n < 2; n += 1) assert.equal((await limited.call('GET', '/v1/social-posts')).status, 200)
  const refused = await limited.call('GET', '/v1/social-posts')
  assert.equal(refused.status, 429)
  assert.equal(refused.headers.get('x-rate-limit-name'), 'per_minute_use')
  assert.ok(Number(refused.headers.get('retry-after')) <= 60)
})
