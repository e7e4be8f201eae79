import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBelfry } from '../examples/start/belfry.ts'
import { allPublished, connectAccounts, postJson, until } from './fixtures/sandbox-client.ts'

const posts = 1_000
/** Between two due times, in milliseconds. */
const paceMs = 6

interface Raced {
  old: string
  new: string
  verb: 'PUT publish' | 'PUT later' | 'PUT draft' | 'DELETE'
  accepted: boolean
}

test('of a PUT or DELETE and the dispatcher exactly one wins: 1,000 races, judged by what the platform holds', async () => {
  const belfry = await startBelfry()
  try {
    const { url, api_key, sandbox_url } = belfry.ready
    const accounts = await connectAccounts(belfry.ready, sandbox_url, 50)
    const headers = { authorization: `Bearer ${api_key}`, 'content-type': 'application/json' }
    const beginAt = Date.now() + 4_000
    const dueAt = (index: number) => beginAt + index * paceMs
    const body = (caption: string, index: number, extra: object) => ({
      caption,
      social_accounts: [accounts[index % accounts.length]!],
      ...extra,
    })

    const ids: string[] = []
    for (let index = 0; index < posts; index += 25) {
      const some = Array.from({ length: 25 }, (_, offset) => {
        const n = index + offset
        const scheduled_at = new Date(dueAt(n)).toISOString()
        return postJson<{ id: string }>(`${url}/v1/social-posts`, body(`old ${n}.`, n, { scheduled_at }), api_key)
      })
      ids.push(...(await Promise.all(some)).map((post) => post.id))
    }

    const verbs = ['PUT publish', 'PUT later', 'PUT draft', 'DELETE'] as const
    const race = async (n: number): Promise<Raced> => {
      const verb = verbs[n % verbs.length]!
      // A request takes some milliseconds to reach the row: aim around the due time.
      const fireAt = dueAt(n) - 14 + Math.random() * 20
      await new Promise((resolve) => setTimeout(resolve, fireAt - Date.now()))
      const extra =
        verb === 'PUT later'
          ? { scheduled_at: new Date(Date.now() + 200).toISOString() }
          : { isDraft: verb === 'PUT draft' }
      const answer = await fetch(`${url}/v1/social-posts/${ids[n]}`, {
        method: verb === 'DELETE' ? 'DELETE' : 'PUT',
        headers,
        ...(verb !== 'DELETE' && { body: JSON.stringify(body(`new ${n}.`, n, extra)) }),
      })
      const text = await answer.text()
      assert.ok(answer.status === 200 || answer.status === 400, `${verb}: ${answer.status} ${text}`)
      return { old: `old ${n}.`, new: `new ${n}.`, verb, accepted: answer.status === 200 }
    }
    const races = await Promise.all(ids.map((_, n) => race(n)))

    await until('every post to be published or taken back', 30_000, async () => {
      const open = await fetch(`${url}/v1/social-posts?status=scheduled,processing&limit=1`, { headers })
      return ((await open.json()) as { meta: { total: number } }).meta.total === 0
    })
    const times = new Map<string, number>()
    for (const { caption } of await allPublished(sandbox_url)) times.set(caption, (times.get(caption) ?? 0) + 1)

    for (const { old, new: changed, verb, accepted } of races) {
      const published = { old: times.get(old) ?? 0, new: times.get(changed) ?? 0 }
      const nothing = verb === 'DELETE' || verb === 'PUT draft'
      const expected = accepted ? { old: 0, new: nothing ? 0 : 1 } : { old: 1, new: 0 }
      assert.deepEqual(published, expected, `${verb} of "${old}" was ${accepted ? 'accepted' : 'refused'}`)
    }
    const won = races.filter((one) => one.accepted).length
    process.stdout.write(`# ${won} of ${posts} writes won, ${posts - won} lost to the dispatcher\n`)
    // A race that one side always wins would prove nothing.
    assert.ok(won > posts / 50 && won < posts - posts / 50, `${won} of ${posts} writes won`)
  } finally {
    await belfry.stop()
  }
})
