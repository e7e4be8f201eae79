/** What a target platform cannot take is refused when it would go out (contract 19.6). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { platformOf } from '../../src/platforms/registry.ts'
import { startApi } from './api.ts'

const api = await startApi({ platform: platformOf })
const account = await api.account('bluesky', { username: 'ann.example' })
const second = await api.account('bluesky')
const long = 'word '.repeat(80)

const create = (more: object) =>
  api.call('POST', '/v1/social-posts', { body: { caption: long, social_accounts: [account], ...more } })

test('a caption that is too long is 400 per account, with the limit and the actual value', async () => {
  for (const when of [{}, { scheduled_at: '2031-01-01' }]) {
    const reply = await create({ ...when, social_accounts: [account, second] })
    assert.equal(reply.status, 400)
    assert.equal(reply.body.errors.length, 2)
    assert.match(reply.body.errors[0], new RegExp(`^account ${account} \\(bluesky ann.example\\): .*300`))
    assert.match(reply.body.errors[1], new RegExp(`^account ${second} \\(bluesky\\): .*300`))
  }
})

test('what is checked is what goes out: account over platform over post', async () => {
  const short = { caption: 'short' }
  assert.equal((await create({ platform_configurations: { bluesky: short } })).status, 201)
  assert.equal((await create({ platform_configurations: { x: short } })).status, 400)
  const account_configurations = [{ social_account_id: account, configuration: short }]
  assert.equal((await create({ account_configurations })).status, 201)
  const mixed = await create({ account_configurations, social_accounts: [account, second] })
  assert.equal(mixed.body.errors.length, 1)
})

test('drafts are stored as they are, and checked when they are scheduled', async () => {
  const draft = await create({ isDraft: true })
  assert.equal(draft.status, 201)
  const body = { caption: long, social_accounts: [account], scheduled_at: '2031-01-01' }
  assert.equal((await api.call('PUT', `/v1/social-posts/${draft.body.id}`, { body })).status, 400)
  assert.equal((await api.call('GET', `/v1/social-posts/${draft.body.id}`)).body.status, 'draft')
})

test('a platform that cannot publish yet is not checked', async () => {
  const onX = await api.account('x')
  assert.equal((await create({ social_accounts: [onX], scheduled_at: '2031-01-01' })).status, 201)
})

test('a project with overflow truncate may send text that is too long, but not too many images', async () => {
  await api.call('PATCH', '/v1/project', { body: { overflow: 'truncate' } })
  assert.equal((await create({})).status, 201)
  const media = Array.from({ length: 50 }, (_, n) => ({ url: `https://example.com/${n}.jpg` }))
  assert.equal((await create({ media })).status, 400)
  await api.call('PATCH', '/v1/project', { body: { overflow: 'refuse' } })
  assert.equal((await create({})).status, 400)
})
