import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBatch } from './batch.ts'

test('what arrives while a write is in flight goes together in the next one', async () => {
  const writes: number[][] = []
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const batch = createBatch<number, number>({
    maxItems: 3,
    mayRepeat: () => true,
    async write(items) {
      writes.push(items)
      if (writes.length === 1) await gate
      return items.map((item) => item * 10)
    },
  })
  const first = batch.add(1)
  await new Promise((resolve) => setImmediate(resolve))
  const rest = [2, 3, 4, 5].map((item) => batch.add(item))
  release()
  assert.deepEqual(await Promise.all([first, ...rest]), [10, 20, 30, 40, 50])
  assert.deepEqual(writes, [[1], [2, 3, 4], [5]])
})

test('one bad item does not fail its neighbours, unless nothing may be written twice', async () => {
  const write = async (items: number[]) => {
    if (items.includes(2)) throw new Error('bad')
    return items
  }
  const repeating = createBatch({ maxItems: 10, mayRepeat: () => true, write })
  const answers = await Promise.allSettled([1, 2, 3].map((item) => repeating.add(item)))
  assert.deepEqual(
    answers.map((answer) => answer.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  const once = createBatch({ maxItems: 10, mayRepeat: () => false, write })
  const failed = await Promise.allSettled([1, 2, 3].map((item) => once.add(item)))
  assert.deepEqual(
    failed.map((answer) => answer.status),
    ['rejected', 'rejected', 'rejected'],
  )
})
