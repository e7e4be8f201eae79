/** Connecting, changing, disconnecting and deleting accounts (contract 10). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Credentials } from '../../src/model/account.ts'
import type { PlatformName } from '../../src/model/platform.ts'
import type { Connected, TokenLogin } from '../../src/platforms/platform.ts'
import { login, startApi, type Wire } from './api.ts'

/** What the platform says to a login, and which logins it was asked about. */
let platformSays: (login: TokenLogin) => Promise<Connected> = async () => unverified
const asked: { login: TokenLogin; platform: PlatformName }[] = []
const unverified: Connected = { kind: 'connected', verified: false, username: null, profilePhotoUrl: null, facts: {} }

const api = await startApi({
  connect: (given, platform) => {
    asked.push({ login: given, platform })
    return platformSays(given)
  },
})
const blind = (await api.newKey()).key
const seeing = (await api.newKey({ revealTokens: true })).key

async function create(body: object, status = 201, key = blind): Promise<Wire> {
  const reply = await api.call('POST', '/v1/social-accounts', { body, key })
  assert.equal(reply.status, status, reply.text)
  return reply.body
}

async function stored(
  id: string,
): Promise<{ credentials: Credentials | null; metadata: Wire; facts: Wire; origin: string }> {
  const rows = await api.db.rows<Wire>('select sealed, metadata, facts, origin from accounts where id = $1', [id])
  const { sealed, ...rest } = rows[0]!
  return { ...rest, credentials: sealed && JSON.parse(api.parts.vault.open(sealed, id)) }
}

async function eventsOf(id: string): Promise<string[]> {
  const rows = await api.db.rows<{ type: string }>('select type from events where account_id = $1 order by seq', [id])
  return rows.map((row) => row.type)
}

test('an account answers with every field; tokens only for keys that may see them', async () => {
  const given = { ...login('x'), refresh_token: 'refresh-1', metadata: { connection_type: 'oauth2' } }
  const account = await create(given)
  assert.match(account.id, /^spc_[0-9A-Za-z]{20,32}$/)
  assert.deepEqual(account, {
    id: account.id,
    platform: 'x',
    username: '',
    user_id: given.user_id,
    profile_photo_url: null,
    status: 'connected',
    external_id: null,
    access_token: '',
    refresh_token: '',
    access_token_expires_at: '2030-01-01T00:00:00.000Z',
    refresh_token_expires_at: null,
    metadata: { connection_type: 'oauth2' },
    needs_reconnect: null,
  })
  const path = `/v1/social-accounts/${account.id}`
  assert.deepEqual((await api.call('GET', path, { key: blind })).body, account)
  const seen = { ...account, access_token: given.access_token, refresh_token: 'refresh-1' }
  assert.deepEqual((await api.call('GET', path, { key: seeing })).body, seen)
  assert.deepEqual((await api.call('GET', `/v1/social-accounts?id=${account.id}`, { key: seeing })).body.data, [seen])
})

test('credentials lie encrypted, and nowhere else', async () => {
  const given = { ...login(), refresh_token: 'refresh-2' }
  const { id } = await create(given)
  const rows = await api.db.rows<{ row: string }>('select row_to_json(a)::text as row from accounts a where id = $1', [
    id,
  ])
  const events = await api.db.rows<{ row: string }>('select row_to_json(e)::text as row from events e')
  for (const { row } of [...rows, ...events]) {
    assert.ok(!row.includes(given.access_token) && !row.includes('refresh-2'))
    assert.ok(!row.includes(Buffer.from(given.access_token).toString('hex')))
  }
})

test('bad input is 400 with every problem in one array', async () => {
  const body = await create(
    { platform: 'myspace', user_id: '', access_token: 5, access_token_expires_at: 'soon', metadata: [] },
    400,
  )
  assert.deepEqual([body.statusCode, body.error], [400, 'Bad Request'])
  for (const look of [
    /^platform must be one of/,
    /^user_id must not/,
    /^access_token must/,
    /^access_token_expires_at/,
    /^metadata/,
  ]) {
    assert.ok(
      body.message.some((text: string) => look.test(text)),
      `${look} in ${JSON.stringify(body.message)}`,
    )
  }
  const missing = await create({}, 400)
  assert.equal(missing.message.length, 4)
  for (const field of ['platform', 'user_id', 'access_token', 'access_token_expires_at']) {
    assert.ok(missing.message.includes(`${field} is required`))
    await create({ ...login(), [field]: null }, 400)
  }
  for (const wrong of [
    { username: 5 },
    { external_id: [] },
    { refresh_token: 1 },
    { refresh_token_expires_at: '' },
    { metadata: 'x' },
  ]) {
    await create({ ...login(), ...wrong }, 400)
  }
  const quoted = await create({ ...login(), access_token: 123456789 }, 400)
  assert.ok(!JSON.stringify(quoted).includes('123456789'), 'a secret is not repeated')
})

test('connecting again keeps the id; omitted stays, null clears, an empty refresh token replaces none', async () => {
  const given = {
    ...login('x'),
    username: 'ann',
    external_id: 'ext',
    refresh_token: 'refresh-3',
    refresh_token_expires_at: '2031-01-01',
    metadata: { connection_type: 'oauth1' },
  }
  const first = await create(given)
  const again = { ...login('x'), user_id: given.user_id, access_token: 'second' }
  const second = await create(again)
  assert.deepEqual(
    [second.id, second.username, second.external_id, second.refresh_token_expires_at, second.metadata],
    [first.id, 'ann', 'ext', '2031-01-01T00:00:00.000Z', { connection_type: 'oauth1' }],
  )
  assert.deepEqual((await stored(first.id)).credentials, {
    accessToken: 'second',
    refreshToken: 'refresh-3',
    secrets: {},
  })
  await create({ ...again, refresh_token: '' })
  assert.equal((await stored(first.id)).credentials?.refreshToken, 'refresh-3')
  const cleared = await create({
    ...again,
    username: null,
    external_id: null,
    refresh_token: null,
    refresh_token_expires_at: null,
    metadata: null,
  })
  assert.deepEqual(
    [cleared.id, cleared.username, cleared.external_id, cleared.refresh_token_expires_at, cleared.metadata],
    [first.id, '', null, null, null],
  )
  assert.equal((await stored(first.id)).credentials?.refreshToken, null)
  assert.deepEqual(await eventsOf(first.id), Array(4).fill('social.account.created'))
})

test('two at once connect one account', async () => {
  const given = login('x')
  const made = await Promise.all(Array.from({ length: 8 }, () => create(given)))
  assert.equal(new Set(made.map((account) => account.id)).size, 1)
  const { body } = await api.call('GET', '/v1/social-accounts?platform=x&limit=100')
  assert.equal(body.data.filter((one: Wire) => one.user_id === given.user_id).length, 1)
})

test('a secret in the metadata is encrypted, never answered, and survives a metadata without it', async () => {
  const given = { ...login('bluesky'), metadata: { bluesky_app_password: 'abcd-efgh-ijkl-mnop', colour: 'blue' } }
  const reply = await api.call('POST', '/v1/social-accounts', { body: given, key: seeing })
  assert.deepEqual(reply.body.metadata, { colour: 'blue' })
  assert.ok(!reply.text.includes('abcd-efgh'))
  const { id } = reply.body
  assert.deepEqual((await stored(id)).credentials?.secrets, { bluesky_app_password: 'abcd-efgh-ijkl-mnop' })
  await create({ ...given, metadata: { colour: 'red' } })
  assert.deepEqual((await stored(id)).credentials?.secrets, { bluesky_app_password: 'abcd-efgh-ijkl-mnop' })
  assert.deepEqual((await stored(id)).metadata, { colour: 'red' })
  await create({ ...given, metadata: { bluesky_app_password: null } })
  assert.deepEqual((await stored(id)).credentials?.secrets, {})
  const nested = await create({ ...given, metadata: { colour: 'red', app: { ids: [{ client_secret: 'deep-down' }] } } })
  assert.deepEqual(nested.metadata, { colour: 'red' })
  assert.deepEqual((await stored(id)).credentials?.secrets, { app: '{"ids":[{"client_secret":"deep-down"}]}' })
})

test('the platform is asked with the merged login, and what it says is kept', async () => {
  platformSays = async () => ({
    kind: 'connected',
    verified: true,
    username: 'ann.example',
    profilePhotoUrl: 'https://cdn.example/ann.jpg',
    facts: { pds: 'https://pds.example' },
  })
  const given = { ...login('bluesky'), metadata: { bluesky_app_password: 'abcd-efgh-ijkl-mnop' } }
  const account = await create(given)
  assert.deepEqual([account.username, account.profile_photo_url], ['ann.example', 'https://cdn.example/ann.jpg'])
  const { facts, origin } = await stored(account.id)
  assert.deepEqual([facts, origin], [{ pds: 'https://pds.example' }, 'sandbox'])
  const { metadata, ...again } = given
  assert.ok(metadata)
  await create(again)
  assert.deepEqual(asked.at(-1)?.login.credentials.secrets, { bluesky_app_password: 'abcd-efgh-ijkl-mnop' })
  assert.equal(asked.at(-1)?.login.username, 'ann.example')
  platformSays = async () => unverified
  assert.equal((await create(again)).profile_photo_url, 'https://cdn.example/ann.jpg')
  assert.deepEqual((await stored(account.id)).facts, { pds: 'https://pds.example' })
})

test('a refused login is 400 with the platform’s reason and stores nothing', async () => {
  platformSays = async () => ({ kind: 'refused', message: 'Invalid identifier or password' })
  const given = login()
  const body = await create(given, 400)
  assert.deepEqual(body, { statusCode: 400, message: 'Invalid identifier or password', code: 'login_refused' })
  const rows = await api.db.rows('select id from accounts where user_id = $1', [given.user_id])
  assert.equal(rows.length, 0)
  platformSays = async () => unverified
})

test('a platform that does not answer in 3 s holds nobody up', async () => {
  platformSays = () => new Promise(() => {})
  const began = performance.now()
  assert.equal((await create(login())).status, 'connected')
  assert.ok(performance.now() - began < 4_000)
  platformSays = async () => unverified
})

test('PATCH changes name and reference and nothing else', async () => {
  const account = await create({ ...login(), username: 'old', external_id: 'old' })
  const patch = async (body: object) => api.call('PATCH', `/v1/social-accounts/${account.id}`, { body, key: seeing })
  assert.equal((await patch({ username: 'new' })).body.username, 'new')
  const { body } = await patch({ external_id: null, platform: 'x', access_token: 'stolen', status: 'disconnected' })
  assert.deepEqual([body.username, body.external_id, body.platform, body.status], ['new', null, 'bluesky', 'connected'])
  assert.notEqual(body.access_token, 'stolen')
  const wrong = await patch({ username: 5, external_id: {} })
  assert.equal(wrong.status, 400)
  assert.equal(wrong.body.message.length, 2)
  assert.deepEqual(await eventsOf(account.id), [
    'social.account.created',
    'social.account.updated',
    'social.account.updated',
  ])
})

test('disconnecting forgets the tokens and keeps the record; connecting revives the same id', async () => {
  const given = { ...login('x'), refresh_token: 'r', external_id: 'mine' }
  const account = await create(given)
  for (let n = 0; n < 2; n += 1) {
    const reply = await api.call('POST', `/v1/social-accounts/${account.id}/disconnect`, { key: seeing })
    assert.equal(reply.status, 201)
    assert.deepEqual(reply.body, { ...account, status: 'disconnected' })
  }
  assert.equal((await stored(account.id)).credentials, null)
  assert.deepEqual(await create({ ...login('x'), user_id: given.user_id }), account)
  assert.equal((await stored(account.id)).credentials?.refreshToken, null)
})

test('deleting an account takes it out of posts; a scheduled post left without any becomes a draft', async () => {
  const [a, b] = [await api.account(), await api.account()]
  const post = async (accounts: string[]) =>
    (
      await api.call('POST', '/v1/social-posts', {
        body: { caption: 'x', social_accounts: accounts, scheduled_at: '2031-01-01' },
      })
    ).body.id
  const alone = await post([a])
  const shared = await post([a, b])
  const before = (await api.call('GET', `/v1/social-posts/${shared}`)).headers.get('etag')
  const reply = await api.call('DELETE', `/v1/social-accounts/${a}`)
  assert.deepEqual([reply.status, reply.body], [200, { success: true }])
  assert.equal((await api.call('GET', `/v1/social-accounts/${a}`)).status, 404)
  assert.equal((await api.call('DELETE', `/v1/social-accounts/${a}`)).status, 404)
  const left = (await api.call('GET', `/v1/social-posts/${alone}`)).body
  assert.deepEqual([left.status, left.social_accounts], ['draft', []])
  const kept = await api.call('GET', `/v1/social-posts/${shared}`)
  assert.notEqual(kept.headers.get('etag'), before, 'the post is another one now')
  const rest = kept.body
  assert.deepEqual([rest.status, rest.social_accounts.map((one: Wire) => one.id)], ['scheduled', [b]])
})

test('what is read after an account was deleted can be written back', async () => {
  const [a, b] = [await api.account(), await api.account()]
  const entry = (id: string) => ({ social_account_id: id, configuration: { caption: `for ${id}` } })
  const given = {
    caption: 'x',
    social_accounts: [a, b],
    isDraft: true,
    account_configurations: [entry(a), entry(b)],
  }
  const { id } = (await api.call('POST', '/v1/social-posts', { body: given })).body
  await api.call('DELETE', `/v1/social-accounts/${a}`)
  const read = (await api.call('GET', `/v1/social-posts/${id}`)).body
  assert.deepEqual(
    read.account_configurations.map((one: Wire) => one.social_account_id),
    [b],
  )
  const again = { ...read, isDraft: true, social_accounts: [b] }
  const reply = await api.call('PUT', `/v1/social-posts/${id}`, { body: again })
  assert.equal(reply.status, 200, reply.text)
})

test('an account that is being published to cannot be deleted', async () => {
  const id = await api.account()
  await api.call('POST', '/v1/social-posts', { body: { caption: 'x', social_accounts: [id] } })
  const reply = await api.call('DELETE', `/v1/social-accounts/${id}`)
  assert.deepEqual([reply.status, reply.body.code], [400, 'account_in_use'])
})

test('a post and the deletion of its account never leave a post with a target that is gone', async () => {
  for (let n = 0; n < 10; n += 1) {
    const id = await api.account()
    const body = { caption: 'x', social_accounts: [id], isDraft: true }
    const [made, gone] = await Promise.all([
      api.call('POST', '/v1/social-posts', { body }),
      api.call('DELETE', `/v1/social-accounts/${id}`),
    ])
    assert.equal(gone.status, 200)
    assert.ok([201, 400].includes(made.status), made.text)
  }
})

test('auth-url: no app credentials 404, unknown platform and permissions 400, incomplete Bluesky data 400', async () => {
  const call = (body: object) => api.call('POST', '/v1/social-accounts/auth-url', { body })
  const known = await call({
    platform: 'linkedin',
    permissions: ['posts', 'feeds'],
    platform_data: { linkedin: { connection_type: 'personal' } },
  })
  assert.equal(known.status, 404)
  assert.match(known.body.message, /linkedin/)
  assert.ok(!('error' in known.body))
  assert.equal((await call({ platform: 'myspace' })).status, 400)
  assert.ok(Array.isArray((await call({ platform: 'x', permissions: ['all'] })).body.message))
  assert.equal((await call({ platform: 'x', platform_data: { x: { connection_type: 'oauth3' } } })).status, 400)
  assert.equal((await call({ platform: 'bluesky' })).status, 400)
  assert.equal((await call({ platform: 'bluesky', platform_data: { bluesky: { handle: 'a' } } })).status, 400)
})
