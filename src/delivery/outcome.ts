/** Pure: what an attempt learned, and where the delivery stands, decide its next move. */
import type { Checkpoint, CommitMark, Recovery } from '../model/delivery.ts'
import { type FailureCode, failures } from '../model/errors.ts'
import type { JsonObject } from '../model/platform.ts'
import type { Outcome } from '../platforms/platform.ts'
import { backoffMs, lookDelaysMs } from './backoff.ts'

/** Where the delivery stands when its attempt ends. */
export interface Standing {
  kind: 'publish' | 'look'
  /** Publish attempts, this one counted. */
  tries: number
  /** Looks, this one counted. */
  looks: number
  /** The mark in force: null when certainly nothing visible was sent. */
  mark: CommitMark | null
  /** Until the retry deadline, in milliseconds. */
  deadlineInMs: number
  deadlineAt: Date
  /** Since the delivery was due, in milliseconds. */
  ageMs: number
}

/** The delivery settles. */
export interface EndMove {
  to: 'published' | 'failed' | 'unknown'
  error: string | null
  code: string | null
  details: JsonObject | null
  platformData: { id?: string; url?: string }
  /** What the platform said of the login; null: the login is not the trouble. */
  reconnect: string | null
}

/** The delivery is put down until it is ready again. */
export interface PutMove {
  to: 'waiting' | 'unsure'
  readyInMs: number
  clearMark: boolean
  checkpoint: Checkpoint | null
  reason: string
}

export type Move = EndMove | PutMove

export function isPut(move: Move): move is PutMove {
  return move.to === 'waiting' || move.to === 'unsure'
}

/** Polling of an accepted post ends this long after it was due, in milliseconds: 24 h. */
export const pollDeadlineMs = 24 * 3_600_000

export function nextMove(outcome: Outcome, standing: Standing, random?: () => number): Move {
  switch (outcome.kind) {
    case 'published':
      return {
        to: 'published',
        error: null,
        code: null,
        details: outcome.details ?? null,
        platformData: { id: outcome.id, url: outcome.url },
        reconnect: null,
      }
    case 'accepted':
      if (standing.ageMs > pollDeadlineMs) return failedBy('poll_deadline')
      return {
        to: 'waiting',
        readyInMs: outcome.checkAfterMs,
        clearMark: false,
        checkpoint: outcome.next,
        reason: 'accepted; the platform is still processing it',
      }
    case 'refused':
      return failed(outcome.code, outcome.message, outcome.details)
    case 'expired':
    case 'reconnect':
      return standing.kind === 'look' ? unknown(outcome.message) : reconnect(outcome.message)
    case 'retry':
      return standing.kind === 'look'
        ? lookAgain(outcome.reason, standing, outcome.afterMs ?? 0, true)
        : retry(outcome, standing, random)
    case 'unsure':
      return unsure(outcome.message, standing)
    case 'absent':
      return { to: 'waiting', readyInMs: 0, clearMark: true, checkpoint: null, reason: outcome.message }
  }
}

/** Certainly nothing is visible: another try, unless it would come after the deadline. */
function retry(outcome: { reason: string; afterMs?: number }, standing: Standing, random?: () => number): Move {
  const left = standing.deadlineInMs
  if ((outcome.afterMs ?? 0) > left) {
    return failed(
      'platform_delay',
      `${outcome.reason} The platform asks to wait ${Math.ceil((outcome.afterMs ?? 0) / 1000)} s, which is after the retry deadline ${standing.deadlineAt.toISOString()}.`,
    )
  }
  if (left <= 0)
    return failed(
      'retry_deadline',
      `${outcome.reason} The retry deadline ${standing.deadlineAt.toISOString()} has passed.`,
    )
  // The last try is made right at the deadline, not given up before it.
  const readyInMs = Math.min(backoffMs(standing.tries, outcome.afterMs, random), left)
  return { to: 'waiting', readyInMs, clearMark: true, checkpoint: null, reason: outcome.reason }
}

function unsure(message: string, standing: Standing): Move {
  // Without a mark nothing visible was sent, whatever the adapter thought of the reply.
  if (!standing.mark) return retry({ reason: message }, standing)
  if (standing.kind === 'look') return lookAgain(message, standing, 0, false)
  if (standing.mark.recovery === 'none') return unknown(message)
  return { to: 'unsure', readyInMs: lookDelaysMs[0], clearMark: false, checkpoint: null, reason: message }
}

/**
 * After a look that proved nothing. One that did not reach the platform proves nothing about the platform either:
 * where a look can still decide, an outage is waited out until the retry deadline.
 */
function lookAgain(message: string, standing: Standing, afterMs: number, unreached: boolean): Move {
  const delay = lookDelaysMs[standing.looks]
  const decides: Recovery[] = ['native-key', 'exact']
  const waitOut = unreached && standing.deadlineInMs > 0 && decides.includes(standing.mark?.recovery ?? 'none')
  if (delay === undefined && !waitOut) return unknown(message)
  const readyInMs = Math.max(delay ?? lookDelaysMs[4], afterMs)
  return { to: 'unsure', readyInMs, clearMark: false, checkpoint: null, reason: message }
}

function failed(code: string, message: string, details: JsonObject = {}): Move {
  return {
    to: 'failed',
    error: message,
    code,
    details: { ...details, code },
    platformData: {},
    reconnect: null,
  }
}

/** A failure that Belfry itself found, in its own words. */
export function failedBy(code: FailureCode, message: string = failures[code]): Move {
  return failed(code, message)
}

export function unknown(message: string): Move {
  return {
    to: 'unknown',
    error: `${failures.outcome_unknown} Look at the account before you retry. ${message}`.trim(),
    code: 'outcome_unknown',
    details: { code: 'outcome_unknown' },
    platformData: {},
    reconnect: null,
  }
}

function reconnect(message: string): Move {
  return {
    to: 'failed',
    error: `${failures.account_needs_reconnect} ${message}`.trim(),
    code: 'account_needs_reconnect',
    details: { code: 'account_needs_reconnect' },
    platformData: {},
    reconnect: message,
  }
}
