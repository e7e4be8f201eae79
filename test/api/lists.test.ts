/** Lists: bounds, filters in every array style, order, totals and the next page (contract 4). */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { test } from 'node:test'
import { platformNames } from '../../src/model/platform.ts'
import { newProject, startApi, type Wire } from './api.ts'

const publicUrl = 'https://belfry.example/base'
const api = await startApi({ publicUrl: () => publicUrl })

/** A project of its own, so that totals are known. */
async function fresh() {
  const { key, projectId } = await api.newKey({ projectId: await newProject(api.db, api.clock) })
  const call = (method: string, path: string, body?: unknown) => api.call(method, path, { key, body })
  return {
    key,
    projectId,
    account: (platform?: string, more?: object) => api.account(platform, more, key),
    async post(account: string | string[], more: object = {}): Promise<string> {
      const social_accounts = [account].flat()
      const reply = await call('POST', '/v1/social-posts', { caption: 'x', social_accounts, isDraft: true, ...more })
      assert.equal(reply.status, 201, reply.text)
      return reply.body.id
    },
    async ids(path: string): Promise<string[]> {
      const reply = await call('GET', path)
      assert.equal(reply.status, 200, reply.text)
      assert.equal(reply.body.meta.total, reply.body.data.length, path)
      return reply.body.data.map((one: Wire) => one.id)
    },
    call,
  }
}

const lists = ['social-posts', 'social-accounts', 'social-post-results', 'api-keys']

test('limit and offset have bounds, are never clamped, and empty means not given', async () => {
  for (const list of lists) {
    for (const [query, look] of [
      ['limit=0', /^limit must not be less than 1, got 0/],
      ['limit=101', /^limit must not be greater than 100, got 101/],
      ['limit=-1', /^limit/],
      ['limit=abc', /^limit must be a whole number, got "abc"/],
      ['limit=1.5', /^limit/],
      ['limit=1e1', /^limit/],
      ['limit=%201', /^limit/],
      ['limit=99999999999999999999', /^limit/],
      ['limit=1&limit=2', /^limit must be given once/],
      ['offset=-1', /^offset must not be less than 0/],
      ['offset=x', /^offset/],
      ['offset=99999999999999999999', /^offset/],
    ] as const) {
      const reply = await api.call('GET', `/v1/${list}?${query}`)
      assert.equal(reply.status, 400, `${list} ${query}`)
      assert.deepEqual([reply.body.statusCode, reply.body.error], [400, 'Bad Request'])
      assert.ok(Array.isArray(reply.body.message) && look.test(reply.body.message[0]), reply.text)
    }
    for (const query of ['', 'limit=', 'offset=', 'limit=&offset=', 'limit', 'unknown=1&foo[]=2', '&&&', 'limit=%20']) {
      const reply = await api.call('GET', `/v1/${list}?${query}`)
      assert.equal(reply.status, 200, `${list} ${query}: ${reply.text}`)
      assert.deepEqual([reply.body.meta.limit, reply.body.meta.offset], [50, 0])
    }
    assert.equal((await api.call('GET', `/v1/${list}?limit=100&offset=1000000`)).body.data.length, 0)
  }
})

test('all problems of a query come together and name their parameter', async () => {
  const reply = await api.call('GET', '/v1/social-posts?limit=0&offset=x&platform=x,myspace&status=posted')
  assert.equal(reply.status, 400)
  for (const look of [
    /^limit/,
    /^offset/,
    /^platform must be one of .*"myspace"/,
    /^status must be one of .*"posted"/,
  ]) {
    assert.ok(
      reply.body.message.some((text: string) => look.test(text)),
      `${look} in ${reply.text}`,
    )
  }
})

test('every array style filters the same', async () => {
  const { account, post, ids } = await fresh()
  const onX = await post(await account('x'))
  const onFacebook = await post(await account('facebook'))
  await post(await account('bluesky'))
  const both = [onFacebook, onX]
  for (const query of [
    'platform=x,facebook',
    'platform=x%2Cfacebook',
    'platform=x&platform=facebook',
    'platform[]=x&platform[]=facebook',
    'platform%5B%5D=x&platform%5B%5D=facebook',
    'platform[0]=x&platform[1]=facebook',
    'platform=,x,,facebook,',
    'platform=x,+facebook',
    'platform=x,facebook,x',
  ]) {
    assert.deepEqual(await ids(`/v1/social-posts?${query}`), both, query)
  }
  for (const query of ['platform=x', 'platform[]=x', 'platform[0]=x', 'platform=x&platform=']) {
    assert.deepEqual(await ids(`/v1/social-posts?${query}`), [onX], query)
  }
  assert.equal((await ids('/v1/social-posts?platform=')).length, 3)
  assert.equal((await ids(`/v1/social-posts?platform=${platformNames.join(',')}`)).length, 3)
  const many = Array.from({ length: 60 }, () => 'platform=x').join('&')
  assert.deepEqual(await ids(`/v1/social-posts?${many}`), [onX])
})

test('a free-text value with a comma matches whole and in parts', async () => {
  const { account, post, ids } = await fresh()
  const target = await account()
  const whole = await post(target, { external_id: 'a,b' })
  const first = await post(target, { external_id: 'a' })
  await post(target, { external_id: 'c' })
  assert.deepEqual(await ids('/v1/social-posts?external_id=a,b'), [first, whole])
  assert.deepEqual(await ids('/v1/social-posts?external_id[]=a,b'), [whole])
  assert.deepEqual(await ids('/v1/social-posts?external_id=a%2Cb&external_id=c&limit=5').then((l) => l.length), 2)
  const named = await account('x', { username: 'Doe, Jane' })
  assert.deepEqual(await ids('/v1/social-accounts?username=Doe,%20Jane'), [named])
})

test('posts filter by status, reference, account and platform, all at once', async () => {
  const { account, post, ids } = await fresh()
  const a = await account('x')
  const b = await account('bluesky')
  const draft = await post(a, { external_id: 'one' })
  const scheduled = await post([a, b], { isDraft: false, scheduled_at: '2031-01-01', external_id: 'two' })
  const instant = await post(b, { isDraft: false })
  assert.deepEqual(await ids('/v1/social-posts?status=draft'), [draft])
  assert.deepEqual(await ids('/v1/social-posts?status=draft,scheduled'), [scheduled, draft])
  assert.deepEqual(await ids('/v1/social-posts?status=draft,draft,processed'), [draft])
  assert.deepEqual(await ids('/v1/social-posts?external_id=two'), [scheduled])
  assert.deepEqual(await ids('/v1/social-posts?external_id=one,two&status=scheduled'), [scheduled])
  assert.deepEqual(await ids(`/v1/social-posts?social_account_id=${b}`), [instant, scheduled])
  assert.deepEqual(await ids(`/v1/social-posts?social_account_id=${b},${a}&status=draft`), [draft])
  assert.deepEqual(await ids('/v1/social-posts?platform=bluesky&status=processing'), [instant])
  assert.deepEqual(await ids(`/v1/social-posts?platform=x&external_id=two&social_account_id=${b}`), [scheduled])
  assert.deepEqual(await ids('/v1/social-posts?social_account_id=nope'), [])
  const reply = (await ids('/v1/social-posts?platform=bluesky&external_id=two')).length
  assert.equal(reply, 1)
})

test('a filter does not shrink the accounts of a post', async () => {
  const { account, post, call } = await fresh()
  const targets = [await account('x'), await account('bluesky')]
  await post(targets)
  const { body } = await call('GET', '/v1/social-posts?platform=x')
  assert.deepEqual(
    body.data[0].social_accounts.map((one: Wire) => one.id),
    targets,
  )
})

test('pages follow each other without gaps, newest first, and totals are exact', async () => {
  const { account, post, call, projectId } = await fresh()
  const target = await account()
  const made: string[] = []
  for (let n = 0; n < 25; n += 1) made.push(await post(target, { external_id: n % 2 ? 'odd' : 'even' }))
  // Equal times: the id decides.
  await api.db.rows('update posts set created_at = now() where project_id = $1', [projectId])
  for (const query of ['', 'external_id=odd,even', 'status=draft,scheduled', 'platform=bluesky']) {
    const seen: string[] = []
    let path: string | null | undefined = `/v1/social-posts?limit=10&${query}`
    for (let pages = 0; path; pages += 1) {
      assert.ok(pages < 5)
      const { body } = await call('GET', path)
      assert.equal(body.meta.total, 25)
      seen.push(...body.data.map((one: Wire) => one.id))
      path = body.meta.next?.replace(publicUrl, '')
    }
    assert.deepEqual(seen, [...made].sort().reverse(), query)
  }
  const { body } = await call('GET', '/v1/social-posts?limit=25')
  assert.equal(body.meta.next, null)
})

test('totals stay exact while posts come, move and go, also after the counts are folded', async () => {
  const { account, post, call, projectId } = await fresh()
  const target = await account()
  const ids: string[] = []
  for (let n = 0; n < 6; n += 1) ids.push(await post(target))
  await call('PUT', `/v1/social-posts/${ids[0]}`, {
    caption: 'x',
    social_accounts: [target],
    scheduled_at: '2031-01-01',
  })
  await call('PUT', `/v1/social-posts/${ids[1]}`, { caption: 'x', social_accounts: [target] })
  await call('DELETE', `/v1/social-posts/${ids[2]}`)
  const totals = async () =>
    Promise.all(
      [
        '',
        '?status=draft',
        '?status=scheduled',
        '?status=processing',
        '?status=draft,scheduled',
        '?status=processed',
      ].map(async (query) => (await call('GET', `/v1/social-posts${query}`)).body.meta.total),
    )
  assert.deepEqual(await totals(), [5, 3, 1, 1, 4, 0])
  await api.db.rows(
    `with gone as (delete from post_counts where project_id = $1 returning *)
     insert into post_counts select project_id, status, sum(delta) from gone group by 1, 2`,
    [projectId],
  )
  assert.deepEqual(await totals(), [5, 3, 1, 1, 4, 0])
})

test('next is the configured address with the same filters, whatever Host says', async () => {
  const { account, post, key } = await fresh()
  const target = await account('x')
  for (let n = 0; n < 3; n += 1) await post(target, { external_id: 'a b,c' })
  const next = async (query: string) =>
    (await api.call('GET', `/v1/social-posts/?${query}`, { key, headers: { 'x-forwarded-host': 'evil.example' } })).body
      .meta.next
  const base = `${publicUrl}/v1/social-posts?`
  assert.equal(await next('limit=1'), `${base}limit=1&offset=1`)
  assert.equal(await next('limit=1&offset=1&unknown=2'), `${base}limit=1&offset=2`)
  assert.equal(
    await next('limit=1&platform=x&platform=facebook&status='),
    `${base}platform=x%2Cfacebook&limit=1&offset=1`,
  )
  assert.equal(
    await next('limit=1&platform[]=x&status=draft,scheduled'),
    `${base}platform=x&status=draft%2Cscheduled&limit=1&offset=1`,
  )
  const literal = await next('limit=1&external_id[]=a%20b%2Cc&external_id[]=z')
  assert.equal(literal, `${base}external_id[]=a%20b%2Cc&external_id[]=z&limit=1&offset=1`)
  assert.equal(await next('limit=3'), null)
  const elsewhere = await getRaw('http://evil.example/v1/social-posts?limit=1', key)
  assert.equal(elsewhere.meta.next, `${base}limit=1&offset=1`)
})

/** GET with this very text in the request line, which `fetch` would tidy up. */
async function getRaw(path: string, key: string): Promise<Wire> {
  const { hostname, port } = new URL(api.url)
  const asked = request({ hostname, port, path, headers: { authorization: `Bearer ${key}` } }).end()
  const [reply] = (await once(asked, 'response')) as [IncomingMessage]
  return json(reply)
}

test('accounts filter by platform, name, reference, id and status', async () => {
  const { account, ids, call } = await fresh()
  const a = await account('x', { username: 'ann', external_id: 'e1' })
  const b = await account('bluesky', { username: 'bob', external_id: 'e2' })
  const c = await account('bluesky', { username: 'ann' })
  await call('POST', `/v1/social-accounts/${c}/disconnect`)
  assert.deepEqual(await ids('/v1/social-accounts'), [c, b, a])
  assert.deepEqual(await ids('/v1/social-accounts?platform=bluesky'), [c, b])
  assert.deepEqual(await ids('/v1/social-accounts?username=ann'), [c, a])
  assert.deepEqual(await ids('/v1/social-accounts?external_id=e1,e2'), [b, a])
  assert.deepEqual(await ids(`/v1/social-accounts?id=${a}&id=${c}&id=spc_none`), [c, a])
  assert.deepEqual(await ids('/v1/social-accounts?status=connected'), [b, a])
  assert.deepEqual(await ids('/v1/social-accounts?status=disconnected'), [c])
  assert.deepEqual(await ids('/v1/social-accounts?status=connected,disconnected'), [c, b, a])
  assert.deepEqual(await ids('/v1/social-accounts?username=ann&status=connected'), [a])
  for (const query of ['platform=myspace', 'status=unknown']) {
    assert.equal((await call('GET', `/v1/social-accounts?${query}`)).status, 400)
  }
})
