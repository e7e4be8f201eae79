import type { PlatformName } from './platform.ts'

export interface Project {
  id: string
  name: string
  returnUrl: string | null
  /** What happens to text that a platform cannot take: 400, or cut at a word and noted in the result. */
  overflow: 'refuse' | 'truncate'
  /** How long a failing delivery is retried after its post was claimed, in seconds. @default 21600 (6 h) */
  retryDeadlineS: number
  createdAt: Date
}

/** What a key may do. Every scope but `admin` is given by default. */
export const scopes = ['posts:read', 'posts:write', 'accounts:read', 'accounts:write', 'events:read', 'admin'] as const
export type Scope = (typeof scopes)[number]

export interface ApiKey {
  id: string
  projectId: string
  /** The first characters, to recognise it by; never the key. */
  hint: string
  label: string | null
  scopes: Scope[]
  /** The only accounts it may see and post to; null: all. */
  accountIds: string[] | null
  revealTokens: boolean
  expiresAt: Date | null
  revokedAt: Date | null
  createdAt: Date
}

/** App credentials of a platform, per project. */
export interface ProviderCredentials {
  platform: PlatformName
  kind: string
  clientId: string
  updatedAt: Date
}
