import type { AccountFacts, Credentials } from '../model/account.ts'
import type { Checkpoint, CommitMark, PublishingAccount, Recovery } from '../model/delivery.ts'
import type { JsonObject } from '../model/platform.ts'
import type { ResolvedContent } from '../model/post.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import type { Outbound } from '../security/outbound.ts'

/** What every platform implements, and nothing more. New needs become data in `limits` or a new outcome. */
export interface Platform {
  /** Numbers and media rules, each with its source. */
  readonly limits: Limits
  /** How a delivery of each flow may be recovered when its outcome is not known. */
  readonly recovery: Readonly<Record<string, Recovery>>
  /** Keys of an account's `metadata` that are secrets: encrypted, never answered. */
  readonly secretMetadata: readonly string[]
  /** Pure. What this platform cannot take, each problem a sentence with the limit and the actual value. */
  check(content: ResolvedContent, facts: AccountFacts): Problem[]
  /** Pure. The text cut to fit, at a word, for projects with `overflow: "truncate"`; null when it fits. */
  cut(content: ResolvedContent, facts: AccountFacts): Cut | null
  /** Asks the platform whether this login works; reads, publishes nothing. */
  connectByToken?(login: TokenLogin, tools: ConnectTools): Promise<Connected>
  /** When these credentials must be refreshed, or null when they say nothing about it. */
  expiresAt(credentials: Credentials, storedExpiresAt: Date): Date | null
  /** New tokens for old. The caller holds the account's refresh lease. */
  refresh(account: PublishingAccount, tools: ConnectTools): Promise<Refreshed>
  /** Goes on from `job.checkpoint`; calls `tools.commit` just before each request that can make something visible. */
  publish(job: Job, tools: Tools): Promise<Outcome>
  /** Read-only look at what a committed delivery did. `absent` only where that is proven. */
  find?(job: Job, tools: Tools): Promise<Outcome | 'absent'>
}

export interface Limits {
  /** Longest text in graphemes. */
  textGraphemes: number | null
  /** Longest text in bytes of UTF-8. */
  textBytes: number | null
  /** Most images in one post. */
  images: number
  /** Largest image in bytes. */
  imageBytes: number | null
}

/** One thing that a platform cannot take. */
export interface Problem {
  /** The field of the resolved content. */
  field: 'caption' | 'media' | string
  message: string
}

export interface Cut {
  caption: string
  /** What was done, for the result's details. */
  note: string
}

export interface TokenLogin {
  userId: string
  username: string | null
  credentials: Credentials
}

export interface ConnectTools {
  http: Outbound
  clock: Clock
  log: Logger
  signal: AbortSignal
}

/** `verified` false: the platform could not be asked now; the login is kept as given and shows itself at first use. */
export type Connected =
  | {
      kind: 'connected'
      verified: boolean
      username: string | null
      profilePhotoUrl: string | null
      facts: AccountFacts
    }
  | { kind: 'refused'; message: string }

export type Refreshed =
  | {
      kind: 'refreshed'
      credentials: Credentials
      accessTokenExpiresAt: Date
      refreshTokenExpiresAt: Date | null
      username: string | null
      facts: AccountFacts
    }
  | { kind: 'retry'; reason: string; afterMs?: number }
  | { kind: 'reconnect'; message: string }

/** One attempt's order: what to publish, as whom, and what earlier attempts already did. */
export interface Job {
  deliveryId: string
  /** From 1. */
  attempt: number
  content: ResolvedContent
  account: PublishingAccount
  checkpoint: Checkpoint | null
  /** The last commit mark, when an earlier attempt set one. */
  mark: CommitMark | null
}

export interface Tools extends ConnectTools {
  /** For addresses that users give (pages, images): the same guard, never a platform's login. */
  web: Outbound
  /** Stored before it resolves; a restart goes on from here. */
  checkpoint(next: Checkpoint): Promise<void>
  /**
   * Stores the commit mark (and the checkpoint with it) and resolves when it is durable. The very next thing
   * must be the request. Rejects when the lease was lost: then nothing may be sent.
   */
  commit(step: CommitStep, next?: Checkpoint): Promise<void>
}

export interface CommitStep {
  /** From 1. */
  step: number
  flow: string
  key?: string
  /** For `native-key`: how long from now a repeat stays harmless, in milliseconds; absent: for ever. */
  repeatableMs?: number
}

/** What one attempt learned. */
export type Outcome =
  | { kind: 'published'; id: string; url: string; details?: JsonObject }
  /** Still processing there; come back. */
  | { kind: 'accepted'; next: Checkpoint; checkAfterMs: number }
  /** Certainly not published. */
  | { kind: 'retry'; reason: string; afterMs?: number }
  /** The token was not accepted and nothing was published: refresh it once and go on. */
  | { kind: 'expired'; message: string }
  /** Never will be. */
  | { kind: 'refused'; code: string; message: string; details?: JsonObject }
  /** The account must be connected again. */
  | { kind: 'reconnect'; message: string }
  /** May be live: look, never resend. */
  | { kind: 'unsure'; message: string }
  /** Of a look alone: nothing was published, proven; it may be sent anew. */
  | { kind: 'absent'; message: string }
