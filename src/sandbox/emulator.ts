import type { JsonObject, PlatformName } from '../model/platform.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import type { BlobStore } from './blob-store.ts'
import type { Timeline, TimelinePost } from './timeline.ts'

/** What every emulated platform implements, and nothing more: one folder each, made by `emulators.ts`. */
export interface Emulator {
  readonly platform: PlatformName
  /** Makes a state change that an earlier process recorded happen again. */
  replay(entry: JsonObject): void
  /** A new account, or the one of that name: again connectable if its login had been revoked. */
  createAccount(username: string | null): Promise<ReadyAccount | Unusable>
  /** Reads a request without acting on it. */
  read(request: VendorRequest): Call
  /** The vendor's own answer for a trouble that a fault asks for. */
  refuse(trouble: Trouble, retryAfterS: number): VendorReply
  /** How people would see a published post. */
  card(post: TimelinePost): Card
  /** Forgets everything published; accounts and logins stay. */
  clear(): void
}

export interface EmulatorTools {
  clock: Clock
  log: Logger
  timeline: Timeline
  blobs: BlobStore
  /** Resolves once the entry is written; the emulator has applied it before. */
  record(entry: JsonObject): Promise<void>
}

/** A request to `https://{host}{path}` as the vendor would get it. */
export interface VendorRequest {
  method: string
  host: string
  /** From the slash on, still percent-encoded, without the query. */
  path: string
  query: URLSearchParams
  headers: VendorHeaders
  body: Buffer
  receivedAt: Date
}

/** By lower-case name; as Node gives them. */
export interface VendorHeaders {
  authorization?: string
  'content-type'?: string
  [name: string]: string | string[] | undefined
}

export interface VendorReply {
  status: number
  contentType: string
  headers?: Record<string, string>
  body: string | Buffer
}

export const callKinds = ['publish', 'upload', 'login', 'read', 'other'] as const
/** `publish` makes something visible; `login` gets or renews tokens. */
export type CallKind = (typeof callKinds)[number]

/** Troubles that the vendor answers itself. */
export type Trouble = 'rate_limit' | 'server_error' | 'reject_content'
/** Troubles that change what the vendor holds; its own checks then refuse the request. */
export type Disturbance = 'expire_token' | 'revoke_token' | 'lose_media'

/** One request, understood. */
export interface Call {
  kind: CallKind
  /** The account that it acts as, when its login names one. */
  userId: string | null
  /** What the vendor's published contract has against it; null: nothing. */
  problem: string | null
  /** False when this disturbance would change nothing for this request. */
  canDisturb(disturbance: Disturbance): boolean
  disturb(disturbance: Disturbance): Promise<void>
  answer(): Promise<VendorReply>
}

/** The body of `POST /v1/social-accounts` that connects an emulated account. */
export interface ReadyAccount {
  platform: PlatformName
  user_id: string
  username: string
  access_token: string
  refresh_token: string | null
  access_token_expires_at: string
  refresh_token_expires_at: string | null
  metadata: Record<string, string>
}

/** Why no account of that name can be made. */
export interface Unusable {
  problem: string
}

/** A post as its readers see it; texts are plain, never HTML. */
export interface Card {
  author: string
  handle: string
  text: { text: string; href?: string }[]
  media: { sha256: string; type: string; alt: string }[]
  /** Link preview. */
  link?: { href: string; title: string; description: string; imageSha256?: string }
  /** The post that this one quotes. */
  quote?: string
}
