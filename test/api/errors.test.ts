/** Transport, authorization and the three shapes of errors (contract 1, 2, 17). */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { makeApiKey } from '../../src/security/api-keys.ts'
import { newProject, startApi } from './api.ts'

const api = await startApi()
const account = await api.account()

const body = () => ({ caption: 'Hello', social_accounts: [account], isDraft: true })

test('without a valid key every route under /v1 is 401 in the named shape', async () => {
  const { key } = await api.newKey()
  const wrongLast = key.endsWith('0') ? '1' : '0'
  const headers: Record<string, string>[] = [
    {},
    { authorization: '' },
    { authorization: key },
    { authorization: `Basic ${key}` },
    { authorization: `Bearer ${key} more` },
    { authorization: `Bearer ${key.slice(0, -1)}${wrongLast}` },
    { authorization: `Bearer ${makeApiKey().key}` },
    { authorization: 'Bearer pfm_live_abcdefghijklmnop' },
  ]
  for (const given of headers) {
    const reply = await api.call('GET', '/v1/social-posts', { key: null, headers: given })
    assert.equal(reply.status, 401, JSON.stringify(given))
    assert.equal(reply.body.statusCode, 401)
    assert.equal(reply.body.error, 'Unauthorized')
    assert.equal(typeof reply.body.message, 'string')
  }
  for (const [method, path] of [
    ['POST', '/v1/social-posts'],
    ['PUT', '/v1/social-posts/sp_1'],
    ['DELETE', '/v1/social-posts/sp_1'],
    ['GET', '/v1/social-post-results'],
    ['POST', '/v1/social-accounts/auth-url'],
    ['PATCH', '/v1/project'],
    ['GET', '/v1/api-keys'],
    ['GET', '/v1/provider-credentials'],
  ] as const) {
    assert.equal((await api.call(method, path, { key: null })).status, 401, path)
  }
})

test('the scheme may be written in any case', async () => {
  for (const scheme of ['bearer', 'BEARER', 'bEaReR']) {
    const headers = { authorization: `${scheme} ${api.key}` }
    assert.equal((await api.call('GET', '/v1/social-posts', { key: null, headers })).status, 200)
  }
})

test('an expired and a revoked key are 401', async () => {
  const expired = await api.newKey({ expiresAt: new Date(Date.now() - 1000) })
  assert.equal((await api.call('GET', '/v1/social-posts', { key: expired.key })).status, 401)
  const revoked = await api.newKey()
  assert.equal((await api.call('GET', '/v1/social-posts', { key: revoked.key })).status, 200)
  assert.equal((await api.call('DELETE', `/v1/api-keys/${revoked.id}`)).status, 200)
  assert.equal((await api.call('GET', '/v1/social-posts', { key: revoked.key })).status, 401)
})

test('unknown routes and wrong methods are 404 in the named shape', async () => {
  for (const [method, path] of [
    ['GET', '/v1/nope'],
    ['POST', '/v1/nope'],
    ['PATCH', '/v1/social-posts/sp_1'],
    ['PUT', '/v1/social-posts'],
    ['DELETE', '/v1/social-posts'],
    ['GET', '/v2/social-posts'],
    ['OPTIONS', '/v1/social-posts'],
  ] as const) {
    const reply = await api.call(method, path, { body: method === 'GET' ? undefined : {} })
    assert.equal(reply.status, 404, `${method} ${path}`)
    assert.equal(reply.body.error, 'Not Found')
    assert.equal(reply.body.message, `Cannot ${method} ${path}`)
  }
})

test('a slash at the end changes nothing, and nothing redirects', async () => {
  const made = await api.call('POST', '/v1/social-posts/', { body: body() })
  assert.equal(made.status, 201)
  assert.equal((await api.call('GET', `/v1/social-posts/${made.body.id}/`)).body.id, made.body.id)
  assert.ok(Array.isArray((await api.call('GET', '/v1/social-posts/')).body.data))
})

test('ids that cannot be are not found', async () => {
  const odd = [
    'nope',
    'sp_',
    '%00',
    'a%2Fb',
    'a%252Fb',
    '😀',
    encodeURIComponent("' or 1=1 --"),
    'x'.repeat(5000),
    '%20',
    '%',
    '%ff',
    '%E0%A4%A',
  ]
  for (const id of odd) {
    for (const path of ['social-posts', 'social-accounts', 'social-post-results']) {
      const reply = await api.call('GET', `/v1/${path}/${id}`)
      assert.equal(reply.status, 404, `${path}/${id.slice(0, 30)}`)
      assert.equal(typeof reply.body.message, 'string')
      assert.ok(!('error' in reply.body), 'plain shape')
    }
    assert.equal((await api.call('PUT', `/v1/social-posts/${id}`, { body: body() })).status, 404)
    assert.equal((await api.call('DELETE', `/v1/social-posts/${id}`)).status, 404)
    assert.equal((await api.call('POST', `/v1/social-accounts/${id}/disconnect`)).status, 404)
  }
})

test('broken percent escapes pass the same checks as any other path', async () => {
  assert.equal((await api.call('GET', '/v1/%ZZ')).status, 404)
  const without = await api.call('GET', '/v1/social-posts/%ff', { key: null })
  assert.equal(without.status, 401)
  assert.match(without.headers.get('x-request-id') ?? '', /^req_/)
  const filtered = await api.call('GET', '/v1/social-posts?external_id=%E0%A4%A')
  assert.equal(filtered.status, 200)
})

test('a body full of mistakes is not looked into beyond its limits, and in a flood only the first one is told', async () => {
  const ones = Array(300_000).fill(1)
  const media = Array(100).fill({ url: 'https://example.com/a.jpg', tags: Array(100).fill({}) })
  const configurations = Array(30).fill({ social_account_id: account, configuration: { media } })
  const told = async (path: string, given: object): Promise<string[]> => {
    const reply = await api.call('POST', path, { body: given })
    assert.equal(reply.status, 400, reply.text.slice(0, 200))
    return reply.body.errors ?? reply.body.message
  }
  const long: [string, object][] = [
    ['/v1/social-posts', { ...body(), media: [{ url: 'https://example.com/a.jpg', tags: ones }] }],
    ['/v1/api-keys', { scopes: ones }],
    ['/v1/social-accounts/auth-url', { platform: 'x', permissions: ones }],
  ]
  for (const [path, given] of long) {
    const [first] = await told(path, given)
    assert.match(first ?? '', /must have at most \d+ items, got 300000/)
  }
  const flood = await told('/v1/social-posts', { ...body(), account_configurations: configurations })
  assert.ok(flood.length < 10, `${flood.length} of 300,000 problems`)
})

test('malformed JSON is 400 in the named shape', async () => {
  for (const text of ['{', '{"caption":', '[1,]', 'caption=hi', '\u0000']) {
    const reply = await api.call('POST', '/v1/social-posts', { body: text })
    assert.equal(reply.status, 400, text)
    assert.equal(reply.body.error, 'Bad Request')
    assert.equal(typeof reply.body.message, 'string')
  }
})

test('JSON is read whatever the content type says', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8']) {
    const reply = await api.call('POST', '/v1/social-posts', {
      body: JSON.stringify(body()),
      headers: { 'content-type': type },
    })
    assert.equal(reply.status, 201, type)
  }
})

test('NUL, half surrogates and deep nesting are refused wherever they are', async () => {
  const texts = [
    `{"caption":"a\\u0000b","social_accounts":["${account}"],"isDraft":true}`,
    `{"caption":"a\\ud83d","social_accounts":["${account}"],"isDraft":true}`,
    `{"caption":"a","social_accounts":["\\udc00"],"isDraft":true}`,
    `{"caption":"a","social_accounts":["${account}"],"isDraft":true,"platform_configurations":{"x":{"\\ud800":1}}}`,
    `{"caption":"a","social_accounts":["${account}"],"isDraft":true,"unknown\\u0000":1}`,
    `{"caption":"a","social_accounts":["${account}"],"isDraft":true,"deep":${'['.repeat(40)}${']'.repeat(40)}}`,
    `{"caption":"a","social_accounts":["${account}"],"isDraft":true,"deep":${'['.repeat(500_000)}${']'.repeat(500_000)}}`,
  ]
  for (const text of texts) {
    const reply = await api.call('POST', '/v1/social-posts', { body: text })
    assert.equal(reply.status, 400, text.slice(0, 120))
    assert.equal(typeof reply.body.message, 'string')
  }
  const named = await api.call('POST', '/v1/social-accounts', { body: '{"platform":"x","user_id":"\\u0000"}' })
  assert.equal(named.status, 400)
  assert.equal((await api.call('GET', '/v1/social-posts?external_id=a%00b')).status, 400)
})

test('a body over 1 MiB is 413, and one just below is read', async () => {
  const large = await api.call('POST', '/v1/social-posts', { body: { ...body(), pad: 'x'.repeat(1_048_577) } })
  assert.equal(large.status, 413)
  assert.equal(large.body.statusCode, 413)
  assert.ok(!('error' in large.body))
  const fitting = await api.call('POST', '/v1/social-posts', { body: { ...body(), pad: 'x'.repeat(1_040_000) } })
  assert.equal(fitting.status, 201)
})

test('a request line of 64 KiB is read', async () => {
  const ids = Array.from({ length: 2_000 }, (_, n) => `sp_${'0'.repeat(24)}${n}`).join(',')
  assert.ok(ids.length > 60_000)
  const reply = await api.call('GET', `/v1/social-post-results?post_id=${ids}`)
  assert.equal(reply.status, 200)
  assert.equal(reply.body.meta.total, 0)
})

test('JSON content type without a body, and neither, both mean an empty object', async () => {
  const id = await api.account()
  for (const headers of [{ 'content-type': 'application/json' }, {}] as Record<string, string>[]) {
    assert.equal((await api.call('POST', `/v1/social-accounts/${id}/disconnect`, { headers })).status, 201)
    const refused = await api.call('POST', '/v1/social-posts', { headers })
    assert.equal(refused.status, 400)
    assert.ok(refused.body.errors.includes('caption is required'))
    assert.equal((await api.call('PATCH', `/v1/social-accounts/${id}`, { headers })).status, 200)
    assert.equal((await api.call('DELETE', '/v1/social-posts/sp_none', { headers })).status, 404)
  }
})

test('prototype keys poison nothing', async () => {
  const text = `{"caption":"a","social_accounts":["${account}"],"isDraft":true,"__proto__":{"polluted":1},
    "platform_configurations":{"x":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"kept":1}}}`
  const reply = await api.call('POST', '/v1/social-posts', { body: text })
  assert.equal(reply.status, 201)
  assert.deepEqual(reply.body.platform_configurations.x, { kept: 1, caption: null, media: [] })
  assert.ok(!('polluted' in {}))
})

test('every answer has a request id; a sane one of the caller is kept', async () => {
  const ids = [
    await api.call('GET', '/v1/social-posts'),
    await api.call('GET', '/v1/nope'),
    await api.call('GET', '/v1/social-posts', { key: null }),
    await api.call('POST', '/v1/social-posts', { body: '{' }),
    await api.call('GET', '/healthz', { key: null }),
  ].map((reply) => reply.headers.get('x-request-id'))
  assert.ok(ids.every((id) => /^req_\w{20}$/.test(id ?? '')))
  assert.equal(new Set(ids).size, ids.length)
  const given = await api.call('GET', '/healthz', { headers: { 'x-request-id': 'my-id.1_A' } })
  assert.equal(given.headers.get('x-request-id'), 'my-id.1_A')
  for (const odd of ['a b', 'x'.repeat(101), '"quoted"', 'ä']) {
    const reply = await api.call('GET', '/healthz', { headers: { 'x-request-id': odd } })
    assert.notEqual(reply.headers.get('x-request-id'), odd)
  }
})

test('HEAD answers like GET without a body', async () => {
  const reply = await api.call('HEAD', '/v1/social-posts')
  assert.equal(reply.status, 200)
  assert.equal(reply.text, '')
})

test('bytes that are no HTTP are answered 400 and do not end the server', async () => {
  const { port } = new URL(api.url)
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write('\x16\x03\x01 nonsense\r\n\r\n'))
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
  assert.match(answer, /^HTTP\/1\.1 400/)
  assert.equal((await api.call('GET', '/healthz')).status, 200)
})

test('other projects’ objects are not found', async () => {
  const other = await api.newKey({ projectId: await newProject(api.db, api.clock) })
  const post = (await api.call('POST', '/v1/social-posts', { body: body() })).body.id
  const { key } = other
  assert.equal((await api.call('GET', `/v1/social-posts/${post}`, { key })).status, 404)
  assert.equal((await api.call('PUT', `/v1/social-posts/${post}`, { key, body: body() })).status, 404)
  assert.equal((await api.call('DELETE', `/v1/social-posts/${post}`, { key })).status, 404)
  assert.equal((await api.call('GET', `/v1/social-accounts/${account}`, { key })).status, 404)
  assert.equal((await api.call('PATCH', `/v1/social-accounts/${account}`, { key, body: {} })).status, 404)
  assert.equal((await api.call('DELETE', `/v1/social-accounts/${account}`, { key })).status, 404)
  assert.equal((await api.call('POST', `/v1/social-accounts/${account}/disconnect`, { key })).status, 404)
  assert.equal((await api.call('GET', '/v1/social-posts', { key })).body.meta.total, 0)
  assert.equal((await api.call('GET', '/v1/social-accounts', { key })).body.meta.total, 0)
  const foreign = await api.call('POST', '/v1/social-posts', { key, body: body() })
  assert.equal(foreign.status, 400)
  assert.ok(foreign.body.errors[0].includes(account))
})
