/** What Bluesky's refusals mean, by status and the `error` word; never by the text of `message`. */
import { redactText } from '../../runtime/redact.ts'
import { type Answer, delayOf } from '../call.ts'
import type { Outcome } from '../platform.ts'
import { objectOf, textOf } from './wire.ts'

type Refusal = Extract<Answer, { kind: 'answer' }>

/** `expired`: refresh and try once more. `unclear`: it may have worked. */
export type Meaning = 'expired' | 'reconnect' | 'wait' | 'blobs' | 'swap' | 'content' | 'unclear'

/**
 * Words that a PDS answers (seen on @atproto/pds 0.4.217; the lexicons' `errors`, read 2026-11-24). Token troubles come
 * with status 400. The last three come from a server on the way: what it passed on may have worked.
 */
const byWord: Record<string, Meaning> = {
  ExpiredToken: 'expired',
  InvalidToken: 'expired',
  AuthMissing: 'expired',
  AuthenticationRequired: 'expired',
  AccountTakedown: 'reconnect',
  AccountSuspended: 'reconnect',
  AccountDeactivated: 'reconnect',
  RepoTakendown: 'reconnect',
  RepoSuspended: 'reconnect',
  RepoDeactivated: 'reconnect',
  RateLimitExceeded: 'wait',
  BlobNotFound: 'blobs',
  InvalidSwap: 'swap',
  InvalidRequest: 'content',
  InvalidMimeType: 'content',
  InvalidSize: 'content',
  PayloadTooLarge: 'content',
  UpstreamFailure: 'unclear',
  UpstreamTimeout: 'unclear',
  NotEnoughResources: 'unclear',
}

export function meaningOf(answer: Refusal): Meaning {
  const { status } = answer
  // A server in trouble may use any word.
  if (status >= 500 || status < 400 || status === 408) return 'unclear'
  if (status === 429) return 'wait'
  const known = byWord[wordOf(answer)]
  if (known) return known
  return status === 401 ? 'expired' : 'content'
}

export function wordOf(answer: Refusal): string {
  return textOf(objectOf(answer.body)['error']) ?? ''
}

/** The platform's own reason for a person, without secrets. */
export function reasonOf(answer: Refusal): string {
  const message = textOf(objectOf(answer.body)['message'])
  const said = [wordOf(answer), message].filter(Boolean).join(': ')
  return `Bluesky answered ${answer.status}${said === '' ? '' : ` ${redactText(said).slice(0, 300)}`}.`
}

/** What a refusal makes of the attempt. `committed`: the request may have made something visible. */
export function outcomeOf(answer: Refusal, committed: boolean, nowMs: number): Outcome {
  const reason = reasonOf(answer)
  switch (meaningOf(answer)) {
    case 'expired':
      return { kind: 'expired', message: reason }
    case 'reconnect':
      return { kind: 'reconnect', message: reason }
    case 'wait':
      return { kind: 'retry', reason, ...delayOf(answer.headers, nowMs) }
    case 'content':
      return { kind: 'refused', code: 'platform_refused', message: reason }
    case 'blobs':
    case 'swap':
      return committed ? { kind: 'unsure', message: reason } : { kind: 'retry', reason }
    case 'unclear':
      return committed
        ? { kind: 'unsure', message: reason }
        : { kind: 'retry', reason, ...delayOf(answer.headers, nowMs) }
  }
}
