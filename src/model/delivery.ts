import type { AccountFacts, Credentials } from './account.ts'
import type { JsonObject, PlatformName } from './platform.ts'
import type { MediaItem, PostContent } from './post.ts'

export const deliveryStates = ['waiting', 'sending', 'unsure', 'published', 'failed'] as const
export type DeliveryState = (typeof deliveryStates)[number]

/** What can be asked of a platform when it is not known whether a post is visible (architecture, Delivery). */
export type Recovery = 'native-key' | 'exact' | 'evidence' | 'none'

/** What a platform flow has done so far; JSON that only its own adapter reads. */
export type Checkpoint = JsonObject

/** Stored just before each request that can make something visible. */
export interface CommitMark {
  /** The visible step about to be sent, from 1. */
  step: number
  /** The adapter's name of this way of publishing. */
  flow: string
  /** The key we chose where the platform takes one. */
  key: string | null
  recovery: Recovery
  /** For `native-key`: until when a repeat is harmless, RFC 3339; null: for ever. */
  repeatableUntil: string | null
}

/** What a person sees of one publish once it settled: the public post result. */
export interface PostResult {
  id: string
  postId: string
  accountId: string
  outcome: 'published' | 'failed' | 'unknown'
  error: string | null
  code: string | null
  details: JsonObject | null
  platformData: { id?: string; url?: string }
  media: MediaItem[]
  settledAt: Date
}

/** A delivery as a worker holds it: all that one attempt needs, read in the statement that took the lease. */
export interface HeldDelivery {
  id: string
  postId: string
  projectId: string
  platform: PlatformName
  /** Grows with every lease; a write with an older one changes nothing. */
  fence: number
  /** `sending`: publish. `unsure`: find out, as the mark's recovery allows. */
  state: 'sending' | 'unsure'
  /** Publish attempts, this one counted. */
  tries: number
  /** Looks while unsure, this one counted. */
  looks: number
  alone: boolean
  dueAt: Date
  deadlineAt: Date
  begunAt: Date
  mark: CommitMark | null
  checkpoint: Checkpoint | null
  content: PostContent
  overflow: 'refuse' | 'truncate'
  account: {
    id: string
    userId: string
    username: string | null
    facts: AccountFacts
    origin: string
    connected: boolean
    needsReconnect: string | null
    accessTokenExpiresAt: Date
    /** Encrypted; null when disconnected. */
    sealedCredentials: Buffer | null
  }
}

/** An account as an adapter sees it. */
export interface PublishingAccount {
  id: string
  userId: string
  username: string | null
  facts: AccountFacts
  credentials: Credentials
}
