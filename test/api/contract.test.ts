/** Walks the compatible API's recorded types and endpoints through the official SDK, as far as they are implemented. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import PostForMe from 'post-for-me'
import { login, startApi, type Wire } from './api.ts'

const file =
  process.env['BELFRY_CONTRACT_CHECKS'] ??
  join(import.meta.dirname, '..', '..', '..', 'shared', 'design', 'api-contract.checks.json')

interface Endpoint {
  op: string | null
  method: string
  path: string
  accept_success?: number[]
  success: number
  response: string
  errors: Record<string, string>
  query?: Record<string, { type: string; enum?: string[]; min?: number; max?: number }>
  request?: { required: Record<string, string>; optional: Record<string, string> }
  response_const?: Record<string, unknown>
  response_not_null?: string[]
}

interface Checks {
  types: Record<string, { required?: Record<string, string>; optional?: Record<string, string> }>
  endpoints: Endpoint[]
  configurations_optional_fields: Record<string, Record<string, string>>
  never_status: number[]
  platforms: string[]
}

const checks: Checks | null = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
const later = /\/(media|social-account-feeds|webhooks|social-post-previews)/
const endpoints = checks?.endpoints.filter((endpoint) => !later.test(endpoint.path)) ?? []
const options = checks
  ? {}
  : { skip: 'the recorded contract is not here (BELFRY_CONTRACT_CHECKS): 5 tests over its endpoints were skipped' }

test('every recorded endpoint answers in its recorded shape', options, async (t) => {
  const api = await startApi()
  const account = await api.account('x')
  const body = { caption: 'Hello', social_accounts: [account], isDraft: true }
  const newPost = async () => (await api.call('POST', '/v1/social-posts', { body })).body.id
  const result = await settledResult(api)
  const bodies: Record<string, () => Wire> = {
    'socialPosts.create': () => body,
    'socialPosts.update': () => body,
    'socialAccounts.create': () => login('x'),
    'socialAccounts.update': () => ({ username: 'new' }),
  }
  for (const endpoint of endpoints) {
    // Without app credentials there is no address to give: a later piece.
    if (endpoint.op === 'socialAccounts.createAuthURL') continue
    await t.test(`${endpoint.method} ${endpoint.path}`, async () => {
      const id = endpoint.path.includes('results')
        ? result
        : endpoint.path.includes('accounts')
          ? await api.account()
          : await newPost()
      const reply = await api.call(endpoint.method, endpoint.path.replace('{id}', id), {
        body: bodies[endpoint.op ?? '']?.(),
      })
      assert.equal(reply.status, endpoint.success, reply.text)
      fits(reply.body, endpoint.response, endpoint.path)
      for (const [name, value] of Object.entries(endpoint.response_const ?? {})) assert.equal(reply.body[name], value)
      for (const name of endpoint.response_not_null ?? []) assert.notEqual(reply.body[name], null)
    })
  }
})

test('every recorded error has its recorded shape, and no status that the SDK misreads is sent', options, async (t) => {
  const api = await startApi()
  for (const endpoint of endpoints) {
    await t.test(`${endpoint.method} ${endpoint.path}`, async () => {
      const { errors } = endpoint
      const empty = endpoint.method === 'GET' ? {} : { body: {} }
      const unauthorized = await api.call(endpoint.method, endpoint.path.replace('{id}', 'x_1'), {
        key: null,
        ...empty,
      })
      assert.equal(unauthorized.status, 401)
      fits(unauthorized.body, errors['401']!, 'body')
      if (errors['404'] && endpoint.path.includes('{id}')) {
        const missing = await api.call(endpoint.method, endpoint.path.replace('{id}', 'x_1'), empty)
        assert.equal(missing.status, 404)
        fits(missing.body, errors['404'], 'body')
      }
      for (const refused of await provoke(api, endpoint)) {
        assert.equal(refused.status, 400, refused.text)
        fits(refused.body, errors['400']!, 'body')
        assert.ok(!checks!.never_status.includes(refused.status))
      }
    })
  }
})

test('every recorded query parameter is read in every style', options, async () => {
  const api = await startApi()
  for (const endpoint of endpoints) {
    for (const [name, parameter] of Object.entries(endpoint.query ?? {})) {
      if (parameter.type !== 'string[]') continue
      const [a, b] = parameter.enum ?? ['one', 'two']
      for (const query of [
        `${name}=${a}`,
        `${name}=${a},${b}`,
        `${name}=${a}&${name}=${b}`,
        `${name}[]=${a}&${name}[]=${b}`,
        `${name}=`,
      ]) {
        const reply = await api.call('GET', `${endpoint.path}?${query}`)
        assert.equal(reply.status, 200, `${endpoint.path}?${query}: ${reply.text}`)
      }
    }
  }
})

test('every recorded configuration field is taken in its type, as null, and echoed', options, async () => {
  const api = await startApi()
  const samples: Record<string, unknown> = {
    'string|null': 'text',
    string: 'text',
    'boolean|null': true,
    'string[]|null': ['a'],
    'object|null': { de: { title: 't' } },
    'SocialPostMedia[]|null': [
      {
        url: 'https://example.com/a.jpg',
        thumbnail_url: null,
        thumbnail_timestamp_ms: null,
        tags: null,
        skip_processing: false,
      },
    ],
    XPoll: { duration_minutes: 5, options: ['a', 'b'] },
  }
  const odd: Record<string, unknown> = {
    publish_at: '2030-01-01T00:00:00Z',
    recording_date: '2020-01-01',
    privacy_status: 'private',
  }
  for (const [platform, fields] of Object.entries(checks!.configurations_optional_fields)) {
    const account = await api.account(platform)
    const sample = (name: string, type: string) => odd[name] ?? samples[type] ?? /enum\((\w+)/.exec(type)?.[1]
    const full = Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, sample(name, type)]))
    const nulls = Object.fromEntries(
      Object.keys(fields)
        .filter((name) => fields[name]!.endsWith('|null'))
        .map((name) => [name, null]),
    )
    for (const configuration of [full, nulls]) {
      const body = {
        caption: 'x',
        social_accounts: [account],
        isDraft: true,
        platform_configurations: { [platform]: configuration },
        account_configurations: [
          { social_account_id: account, configuration: { ...configuration, localizations: null } },
        ],
      }
      const reply = await api.call('POST', '/v1/social-posts', { body })
      assert.equal(reply.status, 201, `${platform}: ${reply.text}`)
      const echoed = { ...configuration, media: configuration['media'] ?? [] }
      assert.deepEqual(reply.body.platform_configurations[platform], echoed)
      assert.deepEqual(reply.body.account_configurations[0].configuration, { ...echoed, localizations: null })
    }
  }
})

test('the official SDK creates, reads, lists, updates and deletes', options, async () => {
  const api = await startApi()
  const client = api.client()
  const account = await client.socialAccounts.create({ ...login('bluesky'), username: 'ann.example' } as Wire)
  assert.equal((await client.socialAccounts.retrieve(account.id)).username, 'ann.example')
  assert.equal((await client.socialAccounts.update(account.id, { external_id: 'mine' })).external_id, 'mine')
  assert.equal((await client.socialAccounts.list({ platform: ['bluesky', 'x'] })).data.length, 1)
  const post = await client.socialPosts.create({
    caption: 'Hello',
    social_accounts: [account.id],
    scheduled_at: new Date('2030-01-01') as Wire,
    account_configurations: [{ social_account_id: account.id, configuration: { localizations: null } as Wire }],
  })
  assert.equal(post.status, 'scheduled')
  assert.equal(
    (await client.socialPosts.list({ status: ['draft', 'scheduled'], platform: ['bluesky', 'x'] })).meta.total,
    1,
  )
  const updated = await client.socialPosts.update(post.id, {
    caption: 'New',
    social_accounts: [account.id],
    isDraft: true,
  })
  assert.deepEqual([updated.caption, updated.status], ['New', 'draft'])
  assert.deepEqual(await client.socialPosts.delete(post.id), { success: true })
  await assert.rejects(client.socialPosts.retrieve(post.id), PostForMe.NotFoundError)
  await assert.rejects(client.socialPosts.create({ caption: '', social_accounts: [] }), PostForMe.BadRequestError)
  await assert.rejects(
    new PostForMe({ apiKey: 'wrong', baseURL: api.url }).socialPosts.list(),
    PostForMe.AuthenticationError,
  )
  assert.deepEqual((await client.socialPostResults.list({ post_id: [post.id] })).data, [])
  assert.equal((await client.socialAccounts.disconnect(account.id)).status, 'disconnected')
})

/** Requests that this endpoint must refuse with 400. */
async function provoke(api: Wire, endpoint: Endpoint): Promise<Wire[]> {
  if (!endpoint.errors['400']) return []
  const replies = []
  for (const [name, parameter] of Object.entries(endpoint.query ?? {})) {
    if (parameter.min !== undefined)
      replies.push(await api.call('GET', `${endpoint.path}?${name}=${parameter.min - 1}`))
    if (parameter.max !== undefined)
      replies.push(await api.call('GET', `${endpoint.path}?${name}=${parameter.max + 1}`))
    if (parameter.enum) replies.push(await api.call('GET', `${endpoint.path}?${name}=${parameter.enum[0]},nonsense`))
  }
  if (!endpoint.request) return replies
  let path = endpoint.path
  if (path.includes('{id}')) {
    const account = await api.account()
    const body = { caption: 'x', social_accounts: [account], isDraft: true }
    path = path.replace(
      '{id}',
      path.includes('posts') ? (await api.call('POST', '/v1/social-posts', { body })).body.id : account,
    )
  }
  for (const name of Object.keys(endpoint.request.required)) {
    replies.push(await api.call(endpoint.method, path, { body: { [name]: 5 } }))
  }
  return replies
}

async function settledResult(api: Wire): Promise<string> {
  const account = await api.account()
  const { body } = await api.call('POST', '/v1/social-posts', { body: { caption: 'x', social_accounts: [account] } })
  const rows = await api.db.rows(
    `update deliveries set state = 'published', outcome = 'published', settled_at = now(), lease_until = null
     where post_id = $1 returning id`,
    [body.id],
  )
  return rows[0].id
}

/** Fails unless the value has the recorded type (see `notation` in the file). */
function fits(value: Wire, type: string, at: string): void {
  const list = /^List<(\w+)>$/.exec(type)
  const alternatives = splitAlternatives(type)
  if (list) {
    fits(value.meta, 'ListMeta', `${at}.meta`)
    fits(value.data, `${list[1]}[]`, `${at}.data`)
  } else if (alternatives.length > 1) {
    const failures = alternatives.map((one) => failure(() => fits(value, one, at)))
    assert.ok(failures.includes(null), failures.join(' / '))
  } else if (type.endsWith('[]')) {
    assert.ok(Array.isArray(value), `${at} is no array`)
    for (const [n, item] of value.entries()) fits(item, type.slice(0, -2), `${at}[${n}]`)
  } else if (type.startsWith('enum(')) {
    assert.ok(type.slice(5, -1).split('|').includes(value), `${at} is ${value}, not ${type}`)
  } else if (simple[type]) {
    assert.ok(simple[type](value), `${at} is ${JSON.stringify(value)}, not ${type}`)
  } else {
    fitsShape(value, type, at)
  }
}

const simple: Record<string, (value: Wire) => boolean> = {
  any: (value) => value !== undefined,
  null: (value) => value === null,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  datetime: (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value),
}

function fitsShape(value: Wire, type: string, at: string): void {
  const shape = checks!.types[type]
  assert.ok(shape, `unknown type ${type}`)
  fits(value, 'object', at)
  for (const [name, inner] of Object.entries(shape.required ?? {})) {
    assert.ok(name in value, `${at}.${name} is missing`)
    fits(value[name], inner, `${at}.${name}`)
  }
  for (const [name, inner] of Object.entries(shape.optional ?? {})) {
    if (name in value) fits(value[name], inner, `${at}.${name}`)
  }
}

function splitAlternatives(type: string): string[] {
  return type.match(/enum\([^)]*\)(\[\])?|[^|]+/g) ?? [type]
}

function failure(run: () => void): string | null {
  try {
    run()
    return null
  } catch (error) {
    return (error as Error).message
  }
}
