import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestDatabase } from '../../test/fixtures/database.ts'
import { appendEvents } from '../storage/events.ts'
import { beginning, pullEvents } from './log.ts'

test('8 connections write events with random delays while another pulls: it sees each one, once, in order', async () => {
  const { db, drop } = await createTestDatabase({ connections: 12 })
  try {
    const perWriter = 60
    let writing = 8
    const write = async (writer: number) => {
      for (let n = 0; n < perWriter; n += 1) {
        await db.transaction(async (tx) => {
          await appendEvents(tx, [{ projectId: 'p', type: 'social.post.created', data: { writer, n } }], null)
          // The transaction stays open: a later one may commit before it.
          await sleep(Math.random() * 12)
          if (n % 3 === 0) await appendEvents(tx, [{ projectId: 'p', type: 'social.post.updated', data: {} }], null)
        })
      }
      writing -= 1
    }
    const seen: { seq: number; writer?: unknown; n?: unknown }[] = []
    const pull = async () => {
      let cursor = beginning
      for (;;) {
        const last = writing === 0
        const page = await pullEvents(db, 'p', cursor, 7)
        cursor = page!.cursor
        for (const { seq, data } of page!.events) seen.push({ seq, ...data })
        if (last && page!.events.length === 0) return
      }
    }
    await Promise.all([pull(), ...Array.from({ length: 8 }, (_, writer) => write(writer))])
    const rows = await db.rows<{ count: number }>('select count(*) as count from events')
    assert.equal(seen.length, rows[0]?.count)
    assert.equal(new Set(seen.map((event) => event.seq)).size, seen.length, 'one was seen twice')
    for (let writer = 0; writer < 8; writer += 1) {
      const mine = seen.filter((event) => event.writer === writer).map((event) => event.n)
      assert.deepEqual(
        mine,
        Array.from({ length: perWriter }, (_, n) => n),
        `writer ${writer}`,
      )
    }
    // The order by sequence alone, which a late commit would have broken, was indeed broken.
    assert.notDeepEqual(
      seen.map((event) => event.seq),
      seen.map((event) => event.seq).toSorted((a, b) => a - b),
    )
  } finally {
    await drop()
  }
})

test('a cursor that is not one of ours is refused, not read as the beginning', async () => {
  const { db, drop } = await createTestDatabase()
  try {
    for (const cursor of ['', 'x', '1', '1-', '-1-2', "1-2'"]) assert.equal(await pullEvents(db, null, cursor, 5), null)
  } finally {
    await drop()
  }
})
