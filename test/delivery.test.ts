import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { startWorker, type Worker } from '../src/delivery/worker.ts'
import { take } from '../src/lifecycle/attempts.ts'
import { rescueDead } from '../src/lifecycle/rescue.ts'
import type { Recovery } from '../src/model/delivery.ts'
import type { Post } from '../src/model/post.ts'
import type { Job, Outcome, Tools } from '../src/platforms/platform.ts'
import { type Behaviour, type Bench, openBench, testPlatform } from './fixtures/ledger.ts'
import { until } from './fixtures/sandbox-client.ts'

let bench: Bench
let worker: Worker | null = null

before(async () => {
  bench = await openBench(3)
})
afterEach(async () => {
  await worker?.stop()
  worker = null
  bench.clock.reset()
  await bench.db.rows('delete from posts')
  await bench.db.rows('update accounts set needs_reconnect = null')
})
after(() => bench.drop())

function work(behaviour: Behaviour): Worker {
  worker = startWorker(bench.parts(testPlatform(behaviour)), { worker: 'test', sweepMs: 20 })
  return worker
}

const one = () => ({ accountIds: bench.accounts.slice(0, 1) })

interface Row {
  state: string
  outcome: string | null
  code: string | null
  error: string | null
  tries: number
  looks: number
  lease_until: Date | null
  details: Record<string, unknown> | null
  checkpoint: object | null
  mark: object | null
}

async function deliveries(post: Post): Promise<Row[]> {
  return bench.db.rows<Row>('select * from deliveries where post_id = $1 order by position', [post.id])
}

async function processed(post: Post): Promise<Row[]> {
  await until(`post ${post.id} to be processed`, 10_000, async () => {
    const [row] = await bench.db.rows<{ status: string }>('select status from posts where id = $1', [post.id])
    return row?.status === 'processed'
  })
  return deliveries(post)
}

async function inState(post: Post, state: string): Promise<Row> {
  await until(`a delivery to be ${state}`, 10_000, async () =>
    (await deliveries(post)).some((row) => row.state === state),
  )
  return (await deliveries(post))[0]!
}

const live = (id = '1'): Outcome => ({ kind: 'published', id, url: `https://example.com/${id}` })
const commit = (tools: Tools) => tools.commit({ step: 1, flow: 'post', key: 'k' }, { key: 'k' })

test('deliveries of one account go out one at a time, by due time', async () => {
  const seen: string[] = []
  let busy = 0
  const posts = []
  for (let n = 0; n < 6; n += 1) posts.push(await bench.post({ ...one(), caption: `n${n}` }))
  work({
    async publish(job) {
      busy += 1
      assert.equal(busy, 1, 'two at once')
      await new Promise((resolve) => setTimeout(resolve, 5))
      seen.push(job.content.caption)
      busy -= 1
      return live()
    },
  })
  await processed(posts.at(-1)!)
  assert.deepEqual(seen, ['n0', 'n1', 'n2', 'n3', 'n4', 'n5'])
})

test('a delivery in backoff holds up nobody', async () => {
  const first = await bench.post({ ...one(), caption: 'stuck' })
  const second = await bench.post({ ...one(), caption: 'free' })
  work({
    publish: async (job) =>
      job.content.caption === 'stuck' ? { kind: 'retry', reason: 'Try later.', afterMs: 60_000 } : live(),
  })
  await processed(second)
  const [row] = await deliveries(first)
  assert.equal(row?.state, 'waiting')
  assert.equal(row?.tries, 1)
})

test('after a lost reply the same write is repeated under its own key, and the post is published once', async () => {
  const sent: (string | null)[] = []
  const post = await bench.post(one())
  work({
    async publish(job, tools) {
      if (!job.mark) await commit(tools)
      sent.push(job.mark ? 'repeat' : 'first')
      return sent.length === 1 ? { kind: 'unsure', message: 'The reply was lost.' } : live()
    },
  })
  const unsure = await inState(post, 'unsure')
  assert.deepEqual(unsure.checkpoint, { key: 'k' })
  bench.clock.forward(5_100)
  worker!.nudge()
  const [row] = await processed(post)
  assert.equal(row?.outcome, 'published')
  assert.deepEqual(sent, ['first', 'repeat'])
  const history = await bench.db.rows(
    'select a.number, a.kind, a.outcome from attempts a join deliveries d on d.id = delivery_id where post_id = $1 order by 1',
    [post.id],
  )
  assert.deepEqual(history, [
    { number: 1, kind: 'publish', outcome: 'unsure' },
    { number: 2, kind: 'look', outcome: 'published' },
  ])
})

async function unsureWith(recovery: Recovery, found: Outcome | 'absent', looks: number) {
  let sends = 0
  const post = await bench.post(one())
  work({
    recovery,
    async publish(_job, tools) {
      await commit(tools)
      sends += 1
      return sends === 1 ? { kind: 'unsure', message: 'The reply was lost.' } : live('second')
    },
    find: async () => found,
  })
  for (let look = 0; look < looks; look += 1) {
    await until('the next look', 5_000, async () => {
      const [row] = await deliveries(post)
      // Not while a look is under way: what it puts down counts from the clock as it is then.
      const down = row?.state === 'unsure' && row.lease_until === null && row.looks === look
      return down || row?.state === 'published' || row?.state === 'failed'
    })
    bench.clock.forward(901_000)
    worker!.nudge()
  }
  const [row] = await processed(post)
  return { row: row!, sends }
}

test('exact: proven absence lets the delivery be sent again, once', async () => {
  const { row, sends } = await unsureWith('exact', 'absent', 1)
  assert.equal(row.outcome, 'published')
  assert.equal(sends, 2)
})

test('exact: proven presence is adopted and nothing is sent again', async () => {
  const { row, sends } = await unsureWith('exact', live('found'), 1)
  assert.equal(row.outcome, 'published')
  assert.equal(sends, 1)
})

test('evidence: no match proves nothing, so after five looks the outcome is unknown and nothing was sent again', async () => {
  const { row, sends } = await unsureWith('evidence', 'absent', 5)
  assert.deepEqual([row.state, row.outcome, row.code, row.looks], ['failed', 'unknown', 'outcome_unknown', 5])
  assert.match(row.error ?? '', /^Outcome unknown:/)
  assert.equal(sends, 1)
})

test('none: a lost reply is unknown at once', async () => {
  const { row, sends } = await unsureWith('none', 'absent', 0)
  assert.deepEqual([row.outcome, row.looks, sends], ['unknown', 0, 1])
})

test('an expired token is refreshed once, and the publish goes on', async () => {
  const tokens: string[] = []
  let refreshes = 0
  const post = await bench.post(one())
  work({
    async publish(job) {
      tokens.push(job.account.credentials.accessToken)
      return tokens.length === 1 ? { kind: 'expired', message: 'Expired.' } : live()
    },
    async refresh(account, tools) {
      refreshes += 1
      const accessTokenExpiresAt = new Date(tools.clock.nowMs() + 3_600_000)
      const credentials = { ...account.credentials, accessToken: 'newer' }
      return {
        kind: 'refreshed',
        credentials,
        accessTokenExpiresAt,
        refreshTokenExpiresAt: null,
        username: null,
        facts: {},
      }
    },
  })
  const [row] = await processed(post)
  assert.equal(row?.outcome, 'published')
  assert.equal(refreshes, 1)
  assert.equal(tokens[1], 'newer')
})

test('a dead token fails the delivery, marks the account and tells; the next delivery does not ask again', async () => {
  let asked = 0
  const post = await bench.post(one())
  work({
    publish: async () => {
      asked += 1
      return { kind: 'reconnect', message: 'The app password was revoked.' }
    },
  })
  const [row] = await processed(post)
  assert.equal(row?.code, 'account_needs_reconnect')
  const [second] = await processed(await bench.post(one()))
  assert.equal(second?.code, 'account_needs_reconnect')
  assert.match(second?.error ?? '', /connect it again.*The app password was revoked/)
  assert.equal(asked, 1)
  const told = await bench.db.rows(`select account_id from events where type = 'social.account.needs_reconnect'`)
  assert.deepEqual(told, [{ account_id: bench.accounts[0] }])
})

test('an account that was disconnected fails its waiting delivery and says so', async () => {
  const [id] = bench.accounts
  const [kept] = await bench.db.rows<{ sealed: Buffer }>('select sealed from accounts where id = $1', [id])
  await bench.db.rows('update accounts set sealed = null where id = $1', [id])
  try {
    const post = await bench.post(one())
    work({ publish: async () => live() })
    const [row] = await processed(post)
    assert.deepEqual([row?.outcome, row?.code], ['failed', 'account_disconnected'])
  } finally {
    await bench.db.rows('update accounts set sealed = $2 where id = $1', [id, kept?.sealed])
  }
})

test('a publish that throws before the mark is tried again, and after it is looked up', async () => {
  let calls = 0
  const post = await bench.post(one())
  work({
    async publish(job, tools) {
      calls += 1
      if (calls === 1) throw new TypeError('a bug')
      if (!job.mark) await commit(tools)
      if (calls === 2) throw new TypeError('a bug after the mark')
      return live()
    },
  })
  await until('the first retry', 5_000, async () => (await deliveries(post))[0]?.state === 'waiting')
  bench.clock.forward(6_000)
  worker!.nudge()
  await inState(post, 'unsure')
  bench.clock.forward(6_000)
  worker!.nudge()
  const [row] = await processed(post)
  assert.equal(row?.outcome, 'published')
})

test('a delivery whose worker keeps dying runs alone and is then parked', async () => {
  const post = await bench.post(one())
  const die = async (alone: boolean) => {
    if (alone)
      await bench.db.rows(
        `update deliveries set state = 'sending', fence = fence + 1, begun_at = now(), lease_until = now() - interval '1 s'`,
      )
    else {
      assert.equal((await take(bench.db, bench.clock, { worker: 'dying', limit: 5, leaseMs: 1 })).length, 1)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.equal(await rescueDead(bench.db, bench.clock, 10), 1)
  }
  await die(false)
  await die(false)
  const [row] = await bench.db.rows<{ alone: boolean; state: string }>('select alone, state from deliveries')
  assert.deepEqual(row, { alone: true, state: 'waiting' })
  assert.deepEqual(await take(bench.db, bench.clock, { worker: 'w', limit: 5, leaseMs: 1 }), [], 'taken among others')
  await die(true)
  const [parked] = await processed(post)
  assert.deepEqual([parked?.outcome, parked?.code], ['failed', 'crashed_repeatedly'])
})

test('what must run alone runs with nothing beside it', async () => {
  let busy = 0
  let aloneWith = -1
  const posts = []
  for (const id of bench.accounts) posts.push(await bench.post({ accountIds: [id], caption: 'plain' }))
  const alone = await bench.post({ ...one(), caption: 'alone' })
  await bench.db.rows('update deliveries set alone = true, dead_claims = 2 where post_id = $1', [alone.id])
  work({
    async publish(job) {
      busy += 1
      if (job.content.caption === 'alone') aloneWith = busy
      await new Promise((resolve) => setTimeout(resolve, 30))
      busy -= 1
      return live()
    },
  })
  await processed(alone)
  for (const post of posts) await processed(post)
  assert.equal(aloneWith, 1)
})

test('a stop puts back what has sent nothing, without counting the attempt, and lets finish what was sent', async () => {
  const [waiting, sent] = [await bench.post(one()), await bench.post({ accountIds: bench.accounts.slice(1, 2) })]
  let started = 0
  let answer = () => {}
  const stopping = work({
    async publish(job, tools) {
      started += 1
      if (job.account.id === bench.accounts[0]) {
        await new Promise((resolve) => tools.signal.addEventListener('abort', resolve))
        return { kind: 'retry', reason: 'aborted' }
      }
      await commit(tools)
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return live()
    },
  })
  await until('both to run', 5_000, async () => started === 2)
  const stopped = stopping.stop(300)
  setTimeout(() => answer(), 400)
  await stopped
  const [back] = await deliveries(waiting)
  assert.deepEqual([back?.state, back?.tries], ['waiting', 0])
  assert.equal((await processed(sent))[0]?.outcome, 'published')
})

test('a worker that lost its lease before the mark sends nothing', async () => {
  const post = await bench.post(one())
  let sends = 0
  let first: Job | null = null
  let resume = () => {}
  work({
    async publish(job, tools) {
      if (!first) {
        first = job
        await new Promise<void>((resolve) => {
          resume = resolve
        })
      }
      await commit(tools)
      sends += 1
      return live()
    },
  })
  await until('the attempt to run', 5_000, async () => first !== null)
  await bench.db.rows(`update deliveries set lease_until = now() - interval '1 s' where post_id = $1`, [post.id])
  assert.equal(await rescueDead(bench.db, bench.clock, 10), 1)
  resume()
  worker!.nudge()
  await processed(post)
  assert.equal(sends, 1)
})

test('one project’s burst does not delay another project’s post', async () => {
  for (const id of bench.accounts.slice(0, 2)) {
    for (let n = 0; n < 5; n += 1) await bench.post({ accountIds: [id] })
  }
  await bench.db.rows(`insert into projects (id, name, created_at) values ('proj_b', 'b', now())`)
  await bench.post({ accountIds: [bench.accounts[2]!], caption: 'other' })
  await bench.db.rows(`update deliveries set project_id = 'proj_b' where account_id = $1`, [bench.accounts[2]])
  const taken = await take(bench.db, bench.clock, { worker: 'w', limit: 2, leaseMs: 60_000 })
  assert.ok(
    taken.some((held) => held.projectId === 'proj_b'),
    'the other project had no turn',
  )
})

test('text that is too long fails with its reason, and is cut and noted where the project says so', async () => {
  const caption = 'x'.repeat(400)
  const seen: number[] = []
  const publish = async (job: Job) => {
    seen.push(job.content.caption.length)
    return live()
  }
  const refused = await bench.post({ ...one(), caption })
  work({ publish })
  assert.equal((await processed(refused))[0]?.code, 'content_invalid')
  await bench.db.rows(`update projects set overflow = 'truncate'`)
  const [row] = await processed(await bench.post({ ...one(), caption }))
  await bench.db.rows(`update projects set overflow = 'refuse'`)
  assert.equal(row?.outcome, 'published')
  assert.equal(row?.details?.['trimmed'], 'cut to 300')
  assert.deepEqual(seen, [300])
})

test('what a platform says in characters that the database cannot hold still ends the delivery', async () => {
  // A reason that was cut in the middle of an emoji, and a NUL.
  const message = `Refused\0 because ${'😀'.slice(0, 1)}`
  const refused = await bench.post(one())
  let calls = 0
  work({
    async publish(_job, tools) {
      calls += 1
      if (calls === 1) return { kind: 'retry', reason: message }
      await tools.commit({ step: 1, flow: 'post' }, { said: message })
      return { kind: 'refused', code: 'platform_refused', message, details: { message } }
    },
  })
  await until('the first try to be put back', 3_000, async () => {
    const [row] = await deliveries(refused)
    return row?.state === 'waiting' && row.tries === 1
  })
  bench.clock.forward(6_000)
  worker!.nudge()
  const [row] = await processed(refused)
  assert.equal(row?.error, 'Refused\ufffd because \ufffd')
  assert.deepEqual([row?.code, row?.details?.['message']], ['platform_refused', row?.error])
})

test('a login that is refused after the account was connected anew does not mark the new login', async () => {
  const [id] = bench.accounts
  const [kept] = await bench.db.rows<{ sealed: Buffer }>('select sealed from accounts where id = $1', [id])
  const post = await bench.post(one())
  work({
    async publish() {
      await bench.db.rows('update accounts set sealed = $2 where id = $1', [id, Buffer.from('another login')])
      return { kind: 'reconnect', message: 'The old login is dead.' }
    },
  })
  try {
    assert.equal((await processed(post))[0]?.code, 'account_needs_reconnect')
    const [account] = await bench.db.rows('select needs_reconnect from accounts where id = $1', [id])
    assert.deepEqual(account, { needs_reconnect: null })
  } finally {
    await bench.db.rows('update accounts set sealed = $2 where id = $1', [id, kept?.sealed])
  }
})

test('a refresh that is refused because the account was connected anew goes on with the new login', async () => {
  const id = bench.accounts[1]!
  const [kept] = await bench.db.rows<{ sealed: Buffer }>('select sealed from accounts where id = $1', [id])
  const parts = bench.parts(testPlatform({ publish: async () => live() }))
  const anew = parts.vault.seal(JSON.stringify({ accessToken: 'anew', refreshToken: 'r', secrets: {} }), id)
  const tokens: string[] = []
  const post = await bench.post({ accountIds: [id] })
  work({
    async publish({ account }) {
      tokens.push(account.credentials.accessToken)
      return tokens.length === 1 ? { kind: 'expired', message: 'Expired.' } : live()
    },
    async refresh() {
      await bench.db.rows('update accounts set sealed = $2 where id = $1', [id, anew])
      return { kind: 'reconnect', message: 'The old login is dead.' }
    },
  })
  try {
    assert.equal((await processed(post))[0]?.outcome, 'published')
    assert.deepEqual(tokens, ['good', 'anew'])
  } finally {
    await bench.db.rows('update accounts set sealed = $2 where id = $1', [id, kept?.sealed])
  }
})

test('new tokens are stored although the database was away just then', async () => {
  const id = bench.accounts[2]!
  const [kept] = await bench.db.rows<{ sealed: Buffer }>('select sealed from accounts where id = $1', [id])
  const post = await bench.post({ accountIds: [id] })
  let refreshes = 0
  const parts = bench.parts(
    testPlatform({
      publish: async ({ account }) =>
        account.credentials.accessToken === 'newer' ? live() : { kind: 'expired', message: 'Expired.' },
      async refresh(account, tools) {
        refreshes += 1
        const credentials = { ...account.credentials, accessToken: 'newer' }
        const accessTokenExpiresAt = new Date(tools.clock.nowMs() + 3_600_000)
        const none = { refreshTokenExpiresAt: null, username: null, facts: {} }
        return { kind: 'refreshed', credentials, accessTokenExpiresAt, ...none }
      },
    }),
  )
  let cuts = 2
  const db: typeof parts.db = {
    ...parts.db,
    async rows(sql, parameters) {
      if (sql.includes('facts = facts ||') && cuts-- > 0) throw new Error('Connection terminated unexpectedly')
      return parts.db.rows(sql, parameters)
    },
  }
  worker = startWorker({ ...parts, db }, { worker: 'test', sweepMs: 20 })
  try {
    const [row] = await processed(post)
    assert.deepEqual([row?.outcome, row?.tries, refreshes], ['published', 1, 1])
  } finally {
    await bench.db.rows('update accounts set sealed = $2 where id = $1', [id, kept?.sealed])
  }
})

test('a clock of this machine that runs hours ahead does not end the tries', async () => {
  const post = await bench.post(one())
  work({
    async publish() {
      bench.clock.forward(7 * 3_600_000)
      return { kind: 'retry', reason: 'Try later.', afterMs: 60_000 }
    },
  })
  await until(
    'the try to end',
    5_000,
    async () => (await deliveries(post))[0]?.state !== 'sending' && (await deliveries(post))[0]?.tries === 1,
  )
  assert.equal((await deliveries(post))[0]?.state, 'waiting')
})

test('an attempt that is cut off right after its mark leaves no mark: nothing was sent', async () => {
  const post = await bench.post(one())
  let signal: AbortSignal | null = null
  let sends = 0
  const parts = bench.parts(
    testPlatform({
      async publish(_job, tools) {
        signal = tools.signal
        await commit(tools)
        sends += 1
        return live()
      },
    }),
  )
  const stopping = Promise.withResolvers<void>()
  const ledger: typeof parts.ledger = {
    ...parts.ledger,
    async progress(step) {
      const held = await parts.ledger.progress(step)
      stopping.resolve(cutOff.stop(0))
      await until('the cut', 5_000, async () => signal?.aborted === true)
      return held
    },
  }
  const cutOff = startWorker({ ...parts, ledger }, { worker: 'test', sweepMs: 20 })
  await stopping.promise
  await until('the delivery to be put back', 5_000, async () => (await deliveries(post))[0]?.state === 'waiting')
  const [row] = await deliveries(post)
  assert.deepEqual([row?.mark, row?.tries, sends], [null, 0, 0])
})
