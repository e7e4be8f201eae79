/** Whatever is sent, the answer is a refusal in a known shape or a success, never an error of ours. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { platformNames } from '../../src/model/platform.ts'
import { startApi } from './api.ts'

const api = await startApi()
const account = await api.account()
const post = (
  await api.call('POST', '/v1/social-posts', { body: { caption: 'x', social_accounts: [account], isDraft: true } })
).body.id

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(null, '', 0, -1, 1e308, true, [], {}, '2030-01-01', 'https://example.com/a.jpg', account, post),
)
const names = [
  'caption',
  'social_accounts',
  'scheduled_at',
  'isDraft',
  'media',
  'platform_configurations',
  'account_configurations',
  'external_id',
  'platform',
  'user_id',
  'access_token',
  'access_token_expires_at',
  'username',
  'refresh_token',
  'refresh_token_expires_at',
  'metadata',
  'permissions',
  'platform_data',
  'name',
  'overflow',
  'retry_deadline_s',
  'return_url',
  'kind',
  'client_id',
  'client_secret',
  'url',
  'thumbnail_url',
  'tags',
  'configuration',
  'social_account_id',
  'poll',
  'title',
  'localizations',
  'constructor',
  'toString',
  '__proto__',
  ...platformNames,
]
const object = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 5 })), odd, { maxKeys: 6 })
const nested = fc.dictionary(fc.constantFrom(...names), fc.oneof(odd, object, fc.array(object, { maxLength: 3 })), {
  maxKeys: 8,
})
const valid = { caption: 'x', social_accounts: [account], isDraft: true }
const postBody = fc.oneof(
  nested,
  nested.map((more) => ({ ...valid, ...more })),
)

const writes = fc.oneof(
  fc.tuple(fc.constant('POST'), fc.constant('/v1/social-posts'), postBody),
  fc.tuple(fc.constant('PUT'), fc.constant(`/v1/social-posts/${post}`), postBody),
  fc.tuple(fc.constant('POST'), fc.constant('/v1/social-accounts'), nested),
  fc.tuple(fc.constant('PATCH'), fc.constant(`/v1/social-accounts/${account}`), nested),
  fc.tuple(fc.constant('POST'), fc.constant('/v1/social-accounts/auth-url'), nested),
  fc.tuple(fc.constant('PATCH'), fc.constant('/v1/project'), nested),
  fc.tuple(fc.constant('PUT'), fc.constant('/v1/provider-credentials/x'), nested),
)

test('no body makes an error of ours', async () => {
  await fc.assert(
    fc.asyncProperty(writes, async ([method, path, body]) => {
      const reply = await api.call(method, path, { body })
      assert.ok(reply.status < 500 && ![204, 409, 422].includes(reply.status), `${reply.status} ${reply.text}`)
      if (reply.status >= 400) assert.equal(reply.body.statusCode, reply.status)
    }),
    { numRuns: 400 },
  )
})

test('no query, id or header makes an error of ours', async () => {
  const word = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('x', '1', '', 'draft', account, post),
  )
  const query = fc.array(
    fc.tuple(
      fc.constantFrom(
        'limit',
        'offset',
        'platform',
        'status',
        'external_id',
        'id',
        'post_id',
        'username',
        'a[]',
        'platform[]',
        'platform[0]',
        '%',
        '__proto__',
      ),
      word,
    ),
    { maxLength: 6 },
  )
  const path = fc.constantFrom('social-posts', 'social-accounts', 'social-post-results', 'api-keys')
  const escaped = (text: string) => encodeURIComponent(text.toWellFormed())
  await fc.assert(
    fc.asyncProperty(path, query, fc.option(word), async (list, pairs, id) => {
      const text = pairs.map(([name, value]) => `${name}=${escaped(value)}`).join('&')
      const at = id === null ? `/v1/${list}?${text}` : `/v1/${list}/${escaped(id)}?${text}`
      const reply = await api.call('GET', at)
      assert.ok([200, 400, 404].includes(reply.status), `${at}: ${reply.status} ${reply.text}`)
    }),
    { numRuns: 400 },
  )
})
