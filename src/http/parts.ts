import type { FastifyPluginAsync } from 'fastify'
import type { PlatformName } from '../model/platform.ts'
import type { Connected, Platform, TokenLogin } from '../platforms/platform.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import type { Vault } from '../security/vault.ts'
import type { Database } from '../storage/database.ts'
import type { Writes } from './idempotency.ts'

export interface RateLimit {
  perSecond: number
  perMinute: number
}

/** What the HTTP server is built of. */
export interface Parts {
  db: Database
  clock: Clock
  log: Logger
  vault: Vault
  /** Base of the addresses that are answered, without a slash at the end; the port may be known late. */
  publicUrl: () => string
  wake: {
    /** Called after the commit of a post: when it is due; null: its deliveries are waiting now. */
    posts(at: Date | null): void
  }
  /** The adapter of a platform; null: none yet, and then nothing is checked. */
  platform(name: PlatformName): Platform | null
  /** Asks a platform whether a login works. */
  connect(login: TokenLogin, platform: PlatformName): Promise<Connected>
  /** Where accounts of a platform are connected now: `sandbox` or the base URL. */
  originLabel(platform: PlatformName): string
  /** Per API key; null: off. */
  rateLimit: RateLimit | null
  /** Believe `X-Forwarded-*`. */
  trustProxy: boolean
  /** The only host names (with or without port) that `Host` and `Origin` may have; null: any. */
  allowedHosts: readonly string[] | null
  health: { ready(): Promise<{ ok: boolean } & Record<string, unknown>> }
  /** Lifts the host rules for media addresses. */
  allowPrivateNetwork: boolean
  version: string
  /** Serve `/v1`; false: health and pages alone. @default true */
  api?: boolean
  sandboxPlugin?: FastifyPluginAsync
}

/** What routes work with. */
export interface Api extends Parts {
  writes: Writes
}
