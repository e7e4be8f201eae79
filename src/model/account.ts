import type { JsonObject, PlatformName } from './platform.ts'

/** What opens an account on its platform. Encrypted at rest; never logged, never in results or events. */
export interface Credentials {
  accessToken: string
  refreshToken: string | null
  /** Secret values that came in `metadata`, such as an app password. */
  secrets: Record<string, string>
}

/** What is known about an account on its platform (its own host, limits, premium …); public, refreshed by adapters. */
export type AccountFacts = JsonObject

export interface Account {
  id: string
  projectId: string
  platform: PlatformName
  /** The platform's own id: page id, channel id, DID … */
  userId: string
  username: string | null
  profilePhotoUrl: string | null
  externalId: string | null
  metadata: JsonObject | null
  facts: AccountFacts
  /** Where it was connected: `sandbox`, or the base URL of the real platform. Publishing elsewhere is refused. */
  origin: string
  connected: boolean
  /** Why a person must connect it again; null while it works. */
  needsReconnect: string | null
  accessTokenExpiresAt: Date
  refreshTokenExpiresAt: Date | null
  createdAt: Date
  updatedAt: Date
}
