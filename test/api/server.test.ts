/** What stands around the API: health, documents, hosts, logs, stopping (interface.md). */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { createLog } from '../../src/runtime/log.ts'
import { login, startApi } from './api.ts'

const lines: string[] = []
const log = createLog('debug', { write: (line) => void lines.push(line) })
let ready = true
const api = await startApi({ log, health: { ready: async () => ({ ok: ready, oldest_due_s: 0 }) } })

test('health needs no key: alive, ready with its figures, and the database', async () => {
  const get = (path: string) => api.call('GET', path, { key: null })
  assert.deepEqual((await get('/healthcheck')).body, { status: 'ok' })
  assert.equal((await get('/healthz')).status, 200)
  assert.deepEqual((await get('/readyz')).body, { status: 'ok', ok: true, oldest_due_s: 0 })
  ready = false
  const reply = await get('/readyz')
  assert.deepEqual([reply.status, reply.body.oldest_due_s], [503, 0])
  ready = true
})

test('the OpenAPI document is made of the routes, each named, and its references lead somewhere', async () => {
  const { body, text } = await api.call('GET', '/openapi.json', { key: null })
  assert.equal(body.openapi, '3.1.0')
  assert.deepEqual(body.servers, [{ url: api.url }])
  const operations = Object.entries<Record<string, { operationId?: string; responses: object }>>(body.paths).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  assert.equal(operations.length, 22)
  assert.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, 22)
  for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(body.components.schemas[name!], name)
  }
  assert.ok(!text.includes('freeText') && !text.includes('Default Response'))
  const platform = body.paths['/v1/social-posts'].get.parameters.find(
    (one: { name: string }) => one.name === 'platform',
  )
  assert.deepEqual([platform.style, platform.explode], ['form', false])
})

test('real answers fit the schemas of the document', async () => {
  const document = (await api.call('GET', '/openapi.json')).body
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'doc', ...document })
  const fits = (name: string, value: unknown) => {
    const check = ajv.compile({ $ref: `doc#/components/schemas/${name}` })
    assert.ok(check(value), `${name}: ${JSON.stringify(check.errors)}`)
  }
  const account = await api.account()
  fits('SocialAccount', (await api.call('GET', `/v1/social-accounts/${account}`)).body)
  const body = {
    caption: 'x',
    social_accounts: [account],
    isDraft: true,
    media: [{ url: 'https://example.com/a.jpg' }],
    platform_configurations: { x: {} },
    account_configurations: [{ social_account_id: account, configuration: {} }],
  }
  fits('SocialPost', (await api.call('POST', '/v1/social-posts', { body })).body)
  fits('PostError', (await api.call('POST', '/v1/social-posts', { body: {} })).body)
  fits('ListedError', (await api.call('GET', '/v1/social-posts?limit=0')).body)
  fits('PlainError', (await api.call('GET', '/v1/social-posts/sp_1')).body)
  fits('NamedError', (await api.call('GET', '/v1/social-posts', { key: null })).body)
})

test('the pages load nothing from elsewhere', async () => {
  const index = await api.call('GET', '/', { key: null })
  assert.match(index.headers.get('content-type')!, /^text\/html/)
  assert.ok(index.text.includes('href="/docs"') && !index.text.includes('/sandbox/'))
  const docs = await api.call('GET', '/docs', { key: null })
  assert.equal(docs.status, 200)
  const links = [...docs.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link!)
  assert.ok(links.length >= 4)
  for (const link of links) {
    assert.match(link, /^\/docs\/static\//)
    assert.equal((await api.call('GET', link, { key: null })).status, 200, link)
  }
  const csp = docs.headers.get('content-security-policy')!
  assert.ok(!/https?:|upgrade-insecure|swagger\.io/.test(csp), csp)
  const start = await api.call('GET', '/docs/static/swagger-initializer.js', { key: null })
  assert.match(start.text, /"validatorUrl":null/)
})

test('the index page links to the sandbox where there is one', async () => {
  const withSandbox = await startApi(
    { sandboxPlugin: async (app) => void app.get('/sandbox/', async () => 'here') },
    api.db,
  )
  assert.ok((await withSandbox.call('GET', '/')).text.includes('href="/sandbox/"'))
  assert.equal((await withSandbox.call('GET', '/sandbox/', { key: null })).text, 'here')
  assert.ok(!(await withSandbox.call('GET', '/openapi.json')).text.includes('/sandbox'))
})

test('without the api role there is no /v1, but health', async () => {
  const worker = await startApi({ api: false }, api.db)
  assert.equal((await worker.call('GET', '/v1/social-posts')).status, 404)
  assert.equal((await worker.call('GET', '/readyz')).status, 200)
})

test('in development a foreign Host or Origin is 403 on every route', async () => {
  const guarded = await startApi({ allowedHosts: ['localhost', '127.0.0.1', '[::1]', 'my.example:8080'] }, api.db)
  const { port } = new URL(guarded.url)
  const status = async (path: string, headers: Record<string, string>) =>
    Number((await raw(guarded.url, path, headers)).slice(9, 12))
  const key = { authorization: `Bearer ${guarded.key}` }
  for (const host of [`localhost:${port}`, '127.0.0.1', `127.0.0.1:${port}`, '[::1]:1', 'my.example:8080']) {
    assert.equal(await status('/v1/social-posts', { ...key, host }), 200, host)
  }
  for (const host of ['evil.example', `evil.example:${port}`, 'localhost.evil.example', 'my.example', '']) {
    for (const path of ['/v1/social-posts', '/', '/docs', '/openapi.json', '/healthz', '/nope']) {
      assert.equal(await status(path, { ...key, host }), 403, `${host} ${path}`)
    }
  }
  const host = `127.0.0.1:${port}`
  assert.equal(await status('/v1/social-posts', { ...key, host, origin: `http://localhost:${port}` }), 200)
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1.evil.example']) {
    assert.equal(await status('/v1/social-posts', { ...key, host, origin }), 403, origin)
  }
})

test('a request has one line in the log, with the post it wrote and without any secret', async () => {
  lines.length = 0
  const given = {
    ...login('bluesky'),
    refresh_token: 'refresh-9',
    metadata: { bluesky_app_password: 'aaaa-bbbb-cccc-dddd' },
  }
  const account = (await api.call('POST', '/v1/social-accounts', { body: given })).body.id
  const reply = await api.call('POST', '/v1/social-posts', {
    body: { caption: 'x', social_accounts: [account], isDraft: true },
    headers: { 'x-request-id': 'find-me' },
  })
  await api.call('GET', '/v1/social-posts?external_id=private-reference')
  await api.call('POST', '/v1/social-posts', { body: `{"access_token":"${given.access_token}" broken` })
  await new Promise((resolve) => setTimeout(resolve, 20))
  const line = lines.map((text) => JSON.parse(text)).find((one) => one.request_id === 'find-me')
  assert.deepEqual(
    [line.method, line.route, line.status, line.post_id, typeof line.ms],
    ['POST', '/v1/social-posts', 201, reply.body.id, 'number'],
  )
  const all = lines.join('')
  for (const secret of [given.access_token, 'refresh-9', 'aaaa-bbbb', api.key, 'private-reference']) {
    assert.ok(!all.includes(secret), secret)
  }
})

test('an error of ours is 500 in one sentence, and whole in the log', async () => {
  lines.length = 0
  const broken = await startApi(
    {
      log,
      publicUrl: () => {
        throw new Error('a bug with Bearer abcdefghijkl')
      },
    },
    api.db,
  )
  const reply = await broken.call('GET', '/v1/social-posts')
  assert.deepEqual(
    [reply.status, reply.body],
    [500, { statusCode: 500, message: 'Internal server error', code: 'internal' }],
  )
  const line = lines.map((text) => JSON.parse(text)).find((one) => one.level === 'error')
  assert.equal(line.request_id, reply.headers.get('x-request-id'))
  assert.match(line.err.stack, /a bug with/)
  assert.ok(!lines.join('').includes('abcdefghijkl'))
})

test('while stopping, running requests end well and new ones are 503 with Retry-After', async () => {
  const stopping = await startApi({}, api.db)
  const account = await stopping.account()
  const session = await api.db.session()
  await session.query('begin')
  await session.query('select 1 from accounts where id = $1 for update', [account])
  const running = stopping.call('POST', '/v1/social-posts', {
    body: { caption: 'x', social_accounts: [account], isDraft: true },
  })
  const { hostname, port } = new URL(stopping.url)
  const socket = connect(Number(port), hostname)
  const answers: string[] = []
  socket.on('data', (bytes) => answers.push(String(bytes)))
  const ask = `GET /v1/social-posts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stopping.key}\r\n\r\n`
  socket.write(ask)
  await until(() => answers.length === 1)
  // A connection in the middle of a request is not idle: it stays open while the server stops.
  socket.write(ask.slice(0, 40))
  await new Promise((resolve) => setTimeout(resolve, 50))
  const stopped = stopping.stop()
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.write(ask.slice(40))
  await until(() => answers.length === 2)
  assert.match(answers[1]!, /^HTTP\/1\.1 503/)
  assert.match(answers[1]!, /retry-after: [1-5]\r\n/i)
  assert.match(answers[1]!, /"code":"stopping"/)
  await session.query('commit')
  session.release()
  assert.equal((await running).status, 201)
  await stopped
  socket.destroy()
})

async function until(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + 5_000; !isSo(); ) {
    assert.ok(Date.now() < end, 'waited 5 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** A request with exactly these headers. */
function raw(url: string, path: string, headers: Record<string, string>): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (bytes) => {
      answer += bytes
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
    const lines = Object.entries({ ...headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  })
}
