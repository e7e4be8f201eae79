import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from './log.ts'
import { startService } from './service.ts'

test('a nudge that comes during a round is not lost', async () => {
  let rounds = 0
  let secondRan = () => {}
  const second = new Promise<void>((resolve) => {
    secondRan = resolve
  })
  const service = startService({
    name: 'test',
    log: silentLog(),
    async runOnce() {
      rounds += 1
      if (rounds === 1) service_nudge()
      if (rounds === 2) secondRan()
      await Promise.resolve()
      return 60_000
    },
  })
  function service_nudge() {
    setImmediate(() => service.nudge())
  }
  await second
  await service.stop()
  assert.equal(rounds, 2)
})

test('a round that throws does not end the loop', async () => {
  let rounds = 0
  let recovered = () => {}
  const done = new Promise<void>((resolve) => {
    recovered = resolve
  })
  const service = startService({
    name: 'test',
    log: silentLog(),
    retryMs: 1,
    async runOnce() {
      rounds += 1
      if (rounds < 3) throw new Error('away')
      recovered()
      return 60_000
    },
  })
  await done
  await service.stop()
  assert.equal(rounds, 3)
})

test('stop waits for the round under way and starts no other', async () => {
  let ended = false
  const service = startService({
    name: 'test',
    log: silentLog(),
    async runOnce(signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      ended = true
      return 0
    },
  })
  await service.stop(10)
  assert.ok(ended)
})
