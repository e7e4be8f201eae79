/** Repeats of a write: done once, answered again (contract 1.2; architecture, Repeats of a request). */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { silentLog } from '../../src/runtime/log.ts'
import { openDatabase } from '../../src/storage/database.ts'
import { login, startApi, type Wire } from './api.ts'

const api = await startApi()
const account = await api.account()
let lastCaption = 0

/** A body that no other test has sent. */
function draft(more: object = {}) {
  lastCaption += 1
  return { caption: `caption ${lastCaption}`, social_accounts: [account], isDraft: true, ...more }
}

const key = (value: string) => ({ 'idempotency-key': value })
const attempt = (count: number) => ({ 'x-stainless-retry-count': String(count) })

async function postsLike(caption: string): Promise<string[]> {
  const rows = await api.db.rows<{ id: string }>('select id from posts where caption = $1 order by id', [caption])
  return rows.map((row) => row.id)
}

const create = (body: object, headers: Record<string, string>, apiKey = api.key) =>
  api.call('POST', '/v1/social-posts', { body, headers, key: apiKey })

test('twenty creates at once with one key make one post, and all get it', async () => {
  const body = draft()
  const replies = await Promise.all(Array.from({ length: 20 }, () => create(body, key('together'))))
  assert.deepEqual(new Set(replies.map((reply) => reply.status)), new Set([201]))
  assert.equal(new Set(replies.map((reply) => reply.text)).size, 1)
  assert.deepEqual(await postsLike(body.caption), [replies[0]!.body.id])
  assert.ok(replies.every((reply) => reply.headers.get('etag') === '"1"'))
})

test('a key belongs to one API key, method and path, and to one body in any order', async () => {
  const body = draft()
  const first = await create(body, key('k1'))
  const reordered = Object.fromEntries(Object.entries(body).reverse())
  assert.equal((await create(reordered, key('k1'))).body.id, first.body.id)
  const other = await create(draft(), key('k1'))
  assert.deepEqual([other.status, other.body.code], [400, 'idempotency_mismatch'])
  assert.notEqual((await create(body, key('k2'))).body.id, first.body.id)
  const secondKey = (await api.newKey()).key
  assert.notEqual((await create(body, key('k1'), secondKey)).body.id, first.body.id)
  const put = await api.call('PUT', `/v1/social-posts/${first.body.id}`, { body, headers: key('k1') })
  assert.equal(put.status, 200)
  assert.equal((await create(body, key('x'.repeat(256)))).status, 400)
})

test('every kind of write is repeated by its key, and leaves its events once', async () => {
  const given = login('x')
  const connected = () => api.call('POST', '/v1/social-accounts', { body: given, headers: key('account') })
  const id = (await connected()).body.id
  assert.equal((await connected()).body.id, id)
  const post = (await create(draft(), key('p'))).body.id
  for (const [method, path, body] of [
    ['PATCH', `/v1/social-accounts/${id}`, { username: 'u' }],
    ['POST', `/v1/social-accounts/${id}/disconnect`, {}],
    ['PUT', `/v1/social-posts/${post}`, draft()],
    ['DELETE', `/v1/social-posts/${post}`, undefined],
    ['POST', '/v1/api-keys', {}],
    ['DELETE', `/v1/social-accounts/${id}`, undefined],
  ] as const) {
    const once = await api.call(method, path, { body, headers: key('any') })
    assert.ok(once.status < 300, once.text)
    const again = await api.call(method, path, { body, headers: key('any') })
    assert.deepEqual([again.status, again.text], [once.status, once.text], `${method} ${path}`)
    assert.equal(again.headers.get('x-repeated'), 'true')
  }
  const events = await api.db.rows<{ type: string }>('select type from events where account_id = $1 or post_id = $2', [
    id,
    post,
  ])
  assert.equal(events.length, 6)
})

test('with a key a refusal is repeated too, and what it had begun is undone', async () => {
  const body = draft({ social_accounts: ['spc_later'] })
  const refused = await create(body, key('refused'))
  assert.equal(refused.status, 400)
  await api.db.rows(
    `insert into accounts (id, project_id, platform, user_id, origin, access_token_expires_at, created_at, updated_at)
     values ('spc_later', $1, 'x', 'later', 'sandbox', now(), now(), now())`,
    [api.projectId],
  )
  assert.equal((await create(body, key('refused'))).text, refused.text)
  assert.equal((await create(body, key('other'))).status, 201)
  const { key: restricted } = await api.newKey({ accountIds: [account] })
  const given = login('x')
  for (let n = 0; n < 2; n += 1) {
    const reply = await api.call('POST', '/v1/social-accounts', { body: given, headers: key('r'), key: restricted })
    assert.equal(reply.status, 403)
  }
  assert.equal((await api.db.rows('select 1 from accounts where user_id = $1', [given.user_id])).length, 0)
})

test('a key is forgotten after 24 hours', async () => {
  const body = draft()
  const first = await create(body, key('old'))
  const age = (hours: number) =>
    api.db.rows(`update requests set created_at = now() - make_interval(hours => $1) where idempotency_key = 'old'`, [
      hours,
    ])
  await age(23)
  assert.equal((await create(body, key('old'))).body.id, first.body.id)
  await age(25)
  assert.notEqual((await create(draft(), key('old'))).body.id, first.body.id)
})

test('stored answers are not readable in the database', async () => {
  const { key: seeing } = await api.newKey({ revealTokens: true })
  const given = login('x')
  const reply = await api.call('POST', '/v1/social-accounts', { body: given, headers: key('sealed'), key: seeing })
  assert.equal(reply.body.access_token, given.access_token)
  const rows = await api.db.rows<{ row: string }>('select row_to_json(r)::text as row from requests r')
  assert.ok(rows.length > 0)
  assert.ok(rows.every(({ row }) => !row.includes(given.access_token)))
})

test('an answer that was delivered is not given to a later request, whatever its retry count', async () => {
  const body = draft()
  const ids = []
  for (const count of [0, 0, 1, 2, 1]) ids.push((await create(body, attempt(count))).body.id)
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual((await postsLike(body.caption)).sort(), ids.sort())
})

test('delivered answers leave no rows', async () => {
  for (let n = 0; n < 5; n += 1) await create(draft(), attempt(0))
  await untilRows(0)
})

test('the retry of a create whose answer was lost gets the first post', async () => {
  const body = draft()
  await lose(body, 0)
  const made = await postsLike(body.caption)
  assert.equal(made.length, 1)
  const retry = await create(body, attempt(1))
  assert.deepEqual([retry.status, retry.body.id], [201, made[0]])
  assert.deepEqual(await postsLike(body.caption), made)
  const events = await api.db.rows('select 1 from events where post_id = $1', [made[0]])
  assert.equal(events.length, 1)
  // That answer was delivered: the same once more is a new post.
  assert.notEqual((await create(body, attempt(2))).body.id, made[0])
})

test('a retry waits for the first try and gets its answer', async () => {
  const body = draft()
  const blocked = await block()
  const first = send(body, attempt(0))
  await blocked.someoneWaits()
  first.destroy()
  const retry = create(body, attempt(1))
  await blocked.someoneWaits(2)
  await blocked.release()
  const { body: answer } = await retry
  assert.deepEqual(await postsLike(body.caption), [answer.id])
})

test('a try that comes to its turn after its client has left does nothing', async () => {
  const body = draft()
  const blocked = await block()
  const first = create(body, attempt(0))
  await blocked.someoneWaits()
  const left = send(body, attempt(1))
  await blocked.someoneWaits(2)
  await closed(left)
  await blocked.release()
  const made = await first
  await untilRows(0)
  assert.deepEqual(await postsLike(body.caption), [made.body.id])
})

test('two equal posts whose answers were both lost stay two, each with its retry', async () => {
  const body = draft()
  await lose(body, 0)
  await lose(body, 0)
  const made = await postsLike(body.caption)
  assert.equal(made.length, 2)
  const retries = await Promise.all([create(body, attempt(1)), create(body, attempt(1))])
  assert.deepEqual(retries.map((reply) => reply.body.id).sort(), made)
})

test('only a lower count, the same API key, the same body and the last 5 minutes are folded', async () => {
  const lostOnce = async (count: number) => {
    const body = draft()
    await lose(body, count)
    return { body, id: (await postsLike(body.caption))[0] }
  }
  const first = await lostOnce(1)
  assert.notEqual((await create(first.body, attempt(1))).body.id, first.id)
  assert.notEqual((await create(first.body, {})).body.id, first.id)
  assert.notEqual((await create(first.body, attempt(2), (await api.newKey()).key)).body.id, first.id)
  assert.notEqual((await create({ ...first.body, external_id: 'other' }, attempt(2))).body.id, first.id)
  assert.equal((await create(first.body, attempt(2))).body.id, first.id)
  const old = await lostOnce(0)
  await api.db.rows(`update requests set created_at = now() - interval '6 minutes'`)
  assert.notEqual((await create(old.body, attempt(1))).body.id, old.id)
  await api.db.rows('delete from requests')
})

test('the retry of a lost PUT and of a lost DELETE succeed', async () => {
  const { id } = (await create(draft(), {})).body
  const path = `/v1/social-posts/${id}`
  const instant = { ...draft(), isDraft: false }
  await lose(instant, 0, 'PUT', path)
  const put = await api.call('PUT', path, { body: instant, headers: attempt(1) })
  assert.deepEqual([put.status, put.body.status], [200, 'processing'])
  const second = (await create(draft(), {})).body.id
  const last = await lastRow()
  const blocked = await block('posts', second)
  const socket = send(undefined, attempt(0), 'DELETE', `/v1/social-posts/${second}`)
  await blocked.someoneWaits()
  await closed(socket)
  await blocked.release()
  await until(async () => (await lastRow()) > last)
  const deleted = await api.call('DELETE', `/v1/social-posts/${second}`, { headers: attempt(1) })
  assert.deepEqual([deleted.status, deleted.body], [200, { success: true }])
})

test('another process, or the same after a restart, folds as well', async () => {
  const body = draft()
  await lose(body, 0)
  const second = await startApi({ vault: api.parts.vault }, api.db)
  const retry = await second.call('POST', '/v1/social-posts', { body, headers: attempt(1), key: api.key })
  assert.deepEqual([retry.body.id], await postsLike(body.caption))
})

test('when the connection breaks while committing, only a keyed request may be sent again', async () => {
  await api.db.rows(
    `create function cut() returns trigger language plpgsql as $$
     begin if new.caption like '%cut%' then perform pg_terminate_backend(pg_backend_pid()); end if; return null; end $$`,
  )
  await api.db.rows(
    'create constraint trigger cut after insert on posts deferrable initially deferred for each row execute function cut()',
  )
  const body = draft({ caption: `cut ${lastCaption}` })
  for (const [headers, expected] of [
    [{}, 'false'],
    [attempt(0), 'false'],
    [key('cut'), 'true'],
  ] as const) {
    const reply = await create(body, headers)
    assert.deepEqual([reply.status, reply.headers.get('x-should-retry')], [500, expected], JSON.stringify(headers))
    assert.deepEqual(reply.body, { statusCode: 500, message: 'Internal server error', code: 'internal' })
  }
  await api.db.rows('drop trigger cut on posts')
  assert.deepEqual(await postsLike(body.caption), [])
  assert.equal((await create(body, key('cut'))).status, 201)
  assert.equal((await postsLike(body.caption)).length, 1)
})

test('a database that is away is 503 before anything is written', async () => {
  const away = openDatabase({ host: '/nonexistent', user: 'x' }, { log: silentLog() })
  const lost = await startApi({}, api.db)
  const server = await startApi({ db: away }, api.db)
  for (const [method, path] of [
    ['GET', '/v1/social-posts'],
    ['POST', '/v1/social-posts'],
    ['DELETE', '/v1/social-posts/sp_1'],
  ] as const) {
    const reply = await server.call(method, path, { headers: attempt(0), key: lost.key })
    assert.deepEqual([reply.status, reply.body.code], [503, 'unavailable'])
    assert.match(reply.headers.get('retry-after')!, /^[1-5]$/)
  }
  assert.equal((await server.call('GET', '/healthcheck')).status, 503)
  assert.equal((await server.call('GET', '/healthz')).status, 200)
  await away.close()
})

test('a wake-up that fails after the commit does not fail the request', async () => {
  const failing = await startApi(
    {
      wake: {
        posts: () => {
          throw new Error('boom')
        },
      },
    },
    api.db,
  )
  const target = await failing.account()
  const body = { caption: 'now', social_accounts: [target] }
  assert.equal((await failing.call('POST', '/v1/social-posts', { body })).status, 201)
})

test('the official SDK’s own retry after a lost answer makes one post', async () => {
  const body = draft()
  const blocked = await block()
  let tries = 0
  const client = api.client().withOptions({
    maxRetries: 2,
    timeout: 300,
    fetch: (url, init) => {
      tries += 1
      // The first try is cut by the SDK's time-out while the server works on it.
      if (tries === 2) void blocked.release()
      return fetch(url as string, init)
    },
  })
  const post = await client.socialPosts.create(body as Wire)
  assert.ok(tries >= 2)
  assert.deepEqual(await postsLike(body.caption), [post.id])
})

/** Sends a request by hand; nobody reads the answer. */
function send(
  body: object | undefined,
  headers: Record<string, string>,
  method = 'POST',
  path = '/v1/social-posts',
): Socket {
  const { hostname, port } = new URL(api.url)
  const text = body === undefined ? '' : JSON.stringify(body)
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${hostname}`,
    `authorization: Bearer ${api.key}`,
    ...(body === undefined ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(text)}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(`${lines.join('\r\n')}\r\n\r\n${text}`)
  return socket
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => setTimeout(resolve, 20))
    socket.destroy()
  })
}

/** Makes a request commit whose client has left before the answer. */
async function lose(body: object, count: number, method = 'POST', path = '/v1/social-posts'): Promise<void> {
  const last = await lastRow()
  const blocked = await block()
  const socket = send(body, attempt(count), method, path)
  await blocked.someoneWaits()
  await closed(socket)
  await blocked.release()
  await until(async () => (await lastRow()) > last)
}

/** Holds a row that a request needs inside its transaction. */
async function block(table: 'accounts' | 'posts' = 'accounts', id = account) {
  const session = await api.db.session()
  await session.query('begin')
  await session.query(`select 1 from ${table} where id = $1 for update`, [id])
  return {
    async someoneWaits(count = 1) {
      await until(async () => {
        const rows = await api.db.rows<{ waiting: number }>(
          `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rows[0]!.waiting >= count
      })
    },
    async release() {
      await session.query('commit')
      session.release()
    },
  }
}

async function storedRows(): Promise<number> {
  const rows = await api.db.rows<{ count: number }>(
    'select count(*) as count from requests where idempotency_key is null',
  )
  return rows[0]!.count
}

/** The newest stored answer; ids only grow. */
async function lastRow(): Promise<number> {
  const rows = await api.db.rows<{ id: number }>('select coalesce(max(id), 0) as id from requests')
  return rows[0]!.id
}

function untilRows(count: number): Promise<void> {
  return until(async () => (await storedRows()) === count)
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 5_000; Date.now() < end; ) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail('waited 5 s')
}
