import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deliveryMoves } from '../lifecycle/states.ts'
import type { CommitMark, Recovery } from '../model/delivery.ts'
import type { Outcome } from '../platforms/platform.ts'
import { backoffMs, lookDelaysMs } from './backoff.ts'
import { isPut, nextMove, pollDeadlineMs, type Standing } from './outcome.ts'

const hour = 3_600_000

function mark(recovery: Recovery): CommitMark {
  return { step: 1, flow: 'post', key: 'k', recovery, repeatableUntil: null }
}

function standing(part: Partial<Standing> = {}): Standing {
  return {
    kind: 'publish',
    tries: 1,
    looks: 0,
    mark: null,
    deadlineInMs: 6 * hour,
    deadlineAt: new Date('2026-01-01T06:00:00Z'),
    ageMs: 0,
    ...part,
  }
}

const outcomes = fc.oneof(
  fc.constant<Outcome>({ kind: 'published', id: '1', url: 'https://example.com/1' }),
  fc.nat(90_000_000).map<Outcome>((ms) => ({ kind: 'accepted', next: {}, checkAfterMs: ms })),
  fc
    .option(fc.nat(90_000_000), { nil: undefined })
    .map<Outcome>((afterMs) => ({ kind: 'retry', reason: 'r', afterMs })),
  fc.constantFrom<Outcome>(
    { kind: 'expired', message: 'm' },
    { kind: 'refused', code: 'c', message: 'm' },
    { kind: 'reconnect', message: 'm' },
    { kind: 'unsure', message: 'm' },
  ),
)
const standings = fc.record({
  kind: fc.constantFrom('publish' as const, 'look' as const),
  tries: fc.integer({ min: 1, max: 60 }),
  looks: fc.integer({ min: 0, max: 9 }),
  mark: fc.constantFrom(null, mark('native-key'), mark('exact'), mark('evidence'), mark('none')),
  deadlineInMs: fc.integer({ min: -hour, max: 6 * hour }),
  deadlineAt: fc.constant(new Date('2026-01-01T06:00:00Z')),
  ageMs: fc.nat(48 * hour),
})

test('every move stays within the table of states', () => {
  fc.assert(
    fc.property(outcomes, standings, (outcome, at) => {
      const from = at.kind === 'look' ? 'unsure' : 'sending'
      if (at.kind === 'look' && !at.mark) return
      const move = nextMove(outcome, at)
      const to = move.to === 'unknown' ? 'failed' : move.to
      if (from === to) return
      assert.ok((deliveryMoves[from] as readonly string[]).includes(to), `${from} -> ${to}`)
    }),
  )
})

test('what may be visible is never sent again: an unsure outcome after the mark never goes back to waiting', () => {
  fc.assert(
    fc.property(standings, (at) => {
      fc.pre(at.mark !== null)
      assert.notEqual(nextMove({ kind: 'unsure', message: '' }, at).to, 'waiting')
    }),
  )
})

test('an unsure outcome before the mark is only a retry: nothing visible was sent', () => {
  assert.equal(nextMove({ kind: 'unsure', message: '' }, standing()).to, 'waiting')
})

test('a look that proves nothing is repeated at the fixed times and then ends as unknown', () => {
  const looks = [1, 2, 3, 4].map((looks) => {
    const move = nextMove({ kind: 'unsure', message: '' }, standing({ kind: 'look', looks, mark: mark('evidence') }))
    assert.ok(isPut(move) && move.to === 'unsure')
    return move.readyInMs
  })
  assert.deepEqual([lookDelaysMs[0], ...looks], [5_000, 30_000, 120_000, 300_000, 900_000])
  const last = nextMove(
    { kind: 'unsure', message: 'no trace' },
    standing({ kind: 'look', looks: 5, mark: mark('evidence') }),
  )
  assert.ok(!isPut(last) && last.to === 'unknown')
  assert.match(last.error ?? '', /^Outcome unknown:/)
  assert.equal(last.details?.['code'], 'outcome_unknown')
})

test('a platform that offers no look is unknown at once', () => {
  assert.equal(nextMove({ kind: 'unsure', message: '' }, standing({ mark: mark('none') })).to, 'unknown')
})

test('an outage of the platform does not use up the looks of a repeatable post before the retry deadline', () => {
  const unreached: Outcome = { kind: 'retry', reason: 'refused' }
  const late = standing({ kind: 'look', looks: 9, mark: mark('native-key') })
  assert.equal(nextMove(unreached, late).to, 'unsure')
  assert.equal(nextMove(unreached, { ...late, deadlineInMs: 0 }).to, 'unknown')
  assert.equal(nextMove(unreached, { ...late, mark: mark('evidence') }).to, 'unknown')
})

test('a platform delay beyond the deadline fails at once and names the time', () => {
  const move = nextMove({ kind: 'retry', reason: 'Too many posts.', afterMs: 7 * hour }, standing())
  assert.ok(!isPut(move))
  assert.equal(move.code, 'platform_delay')
  assert.match(move.error ?? '', /Too many posts\. .*25200 s.*2026-01-01T06:00:00\.000Z/)
})

test('the last retry is made at the deadline, and none after it', () => {
  const near = nextMove({ kind: 'retry', reason: 'r' }, standing({ tries: 12, deadlineInMs: 1_000 }), () => 0.99)
  assert.ok(isPut(near) && near.readyInMs === 1_000)
  const past = nextMove({ kind: 'retry', reason: 'r' }, standing({ deadlineInMs: 0 }))
  assert.ok(!isPut(past) && past.code === 'retry_deadline')
})

test('backoff grows from 5 s to 15 min with full jitter and never undercuts the platform', () => {
  assert.equal(
    backoffMs(1, 0, () => 1),
    5_000,
  )
  assert.equal(
    backoffMs(2, 0, () => 1),
    10_000,
  )
  assert.equal(
    backoffMs(50, 0, () => 1),
    900_000,
  )
  assert.equal(
    backoffMs(3, 0, () => 0),
    0,
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 10_000_000 }), (tries, platformMs) => {
      assert.ok(backoffMs(tries, platformMs) >= platformMs)
    }),
  )
})

test('a dead token fails the delivery and says that the account must be connected again', () => {
  const move = nextMove({ kind: 'reconnect', message: 'Token revoked.' }, standing())
  assert.ok(!isPut(move))
  assert.equal(move.code, 'account_needs_reconnect')
  assert.equal(move.reconnect, 'Token revoked.')
})

test('polling ends a day after the post was due', () => {
  const accepted: Outcome = { kind: 'accepted', next: { id: 1 }, checkAfterMs: 5_000 }
  assert.equal(nextMove(accepted, standing({ ageMs: pollDeadlineMs - 1 })).to, 'waiting')
  assert.equal(nextMove(accepted, standing({ ageMs: pollDeadlineMs + 1 })).to, 'failed')
})
