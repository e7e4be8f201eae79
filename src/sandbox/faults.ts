import type { PlatformName } from '../model/platform.ts'
import { newId } from '../runtime/ids.ts'
import type { Call, CallKind } from './emulator.ts'

/**
 * | kind | which requests it hits | what then happens |
 * |---|---|---|
 * | `rate_limit` | `on`, default those that publish | the vendor's "too many requests", free again after `retry_after_s`; nothing published |
 * | `server_error` | as above | the vendor's internal error; nothing published |
 * | `reject_content` | as above | the vendor's refusal of the content; nothing published |
 * | `slow` | as above | done at once, answered after `after_ms` |
 * | `drop_before` | as above | connection closed without a reply; nothing published |
 * | `drop_after` | as above, and only one that succeeds | published, then the connection closed without a reply |
 * | `expire_token` | those that carry an access token | all access tokens of that account expire; refreshing works |
 * | `revoke_token` | those that carry any login | access, refresh and stored password of that account are refused until it is made anew |
 * | `lose_media` | those that publish uploaded media | the media of that request is forgotten; uploading again works |
 *
 * A fault is used up after `times` hits. A request that it would not change (it carries no login, its
 * tokens are dead already, it would fail anyway) is not a hit. The oldest matching fault wins; one per request.
 */
export const faultKinds = [
  'rate_limit',
  'server_error',
  'slow',
  'drop_before',
  'drop_after',
  'expire_token',
  'revoke_token',
  'reject_content',
  'lose_media',
] as const
export type FaultKind = (typeof faultKinds)[number]

export const faultTargets = ['publish', 'upload', 'login', 'read', 'any'] as const
export type FaultTarget = (typeof faultTargets)[number]

export interface FaultOrder {
  /** Null: every platform. */
  platform: PlatformName | null
  /** Null: every account. */
  userId: string | null
  kind: FaultKind
  /** Requests it hits. @default 1 */
  times: number
  /** How long the answer, or the close, is held back, in milliseconds. @default 5000 for `slow`, else 0 */
  afterMs: number
  /** What a rate limit tells its caller to wait, in seconds. @default 5 */
  retryAfterS: number
  /** @default 'publish'; 'any' for `expire_token` and `revoke_token` */
  on: FaultTarget
}

export interface Fault extends FaultOrder {
  id: string
  /** Hits that are left. */
  times: number
  hits: number
}

export interface Faults {
  arm(order: FaultOrder): Fault
  list(): Fault[]
  /** How many were armed. */
  disarm(): number
  /** Counts a hit of the oldest fault that matches. */
  take(platform: PlatformName, call: Call): Fault | null
  /** The hit did not happen after all. */
  giveBack(fault: Fault): void
}

export function createFaults(nowMs: () => number): Faults {
  let armed: Fault[] = []
  return {
    arm(order) {
      const fault = { ...order, id: newId('fault', nowMs()), hits: 0 }
      armed.push(fault)
      return fault
    },
    list: () => armed.filter(({ times }) => times > 0),
    disarm() {
      const count = armed.filter(({ times }) => times > 0).length
      armed = []
      return count
    },
    take(platform, call) {
      const fault = armed.find((candidate) => candidate.times > 0 && hits(candidate, platform, call))
      if (!fault) return null
      fault.times -= 1
      fault.hits += 1
      return fault
    },
    giveBack(fault) {
      fault.times += 1
      fault.hits -= 1
    },
  }
}

function hits(fault: Fault, platform: PlatformName, call: Call): boolean {
  if (fault.platform !== null && fault.platform !== platform) return false
  if (fault.userId !== null && fault.userId !== call.userId) return false
  if (fault.on !== 'any' && fault.on !== (call.kind satisfies CallKind)) return false
  if (fault.kind === 'expire_token' || fault.kind === 'revoke_token' || fault.kind === 'lose_media') {
    return call.canDisturb(fault.kind)
  }
  return true
}
