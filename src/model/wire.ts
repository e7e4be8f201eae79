/** The objects of the compatible API, as they are answered and sent to webhooks. Pure. */
import type { Account } from './account.ts'
import type { PostResult } from './delivery.ts'
import type { Json, JsonObject } from './platform.ts'
import type { AccountConfiguration, Configuration, MediaItem, Post, PostStatus } from './post.ts'

export interface SocialAccountWire {
  id: string
  platform: string
  username: string | null
  user_id: string
  profile_photo_url: string | null
  status: 'connected' | 'disconnected'
  external_id: string | null
  access_token: string
  refresh_token: string | null
  access_token_expires_at: string
  refresh_token_expires_at: string | null
  metadata: JsonObject | null
  /** Extension: why a person must connect it again; null while it works. */
  needs_reconnect: string | null
}

export interface SocialPostWire {
  id: string
  external_id: string | null
  caption: string
  status: PostStatus
  scheduled_at: string | null
  media: MediaItem[]
  platform_configurations: { [platform: string]: Configuration }
  account_configurations: AccountConfiguration[]
  social_accounts: SocialAccountWire[]
  created_at: string
  updated_at: string
}

export interface SocialPostResultWire {
  id: string
  post_id: string
  social_account_id: string
  success: boolean
  error: string | null
  details: Json
  platform_data: { id?: string; url?: string }
  media: MediaItem[]
  /** Extension: `unknown` when it may or may not have been published. */
  outcome: PostResult['outcome']
}

/**
 * An account. Its tokens are `""` unless they are given, which only the social-accounts endpoints do,
 * and only for keys that may see them.
 */
export function accountToWire(
  account: Account,
  tokens: { accessToken: string; refreshToken: string | null } | null = null,
): SocialAccountWire {
  return {
    id: account.id,
    platform: account.platform,
    username: account.username ?? '',
    user_id: account.userId,
    profile_photo_url: account.profilePhotoUrl,
    status: account.connected ? 'connected' : 'disconnected',
    external_id: account.externalId,
    access_token: tokens?.accessToken ?? '',
    refresh_token: tokens?.refreshToken ?? '',
    access_token_expires_at: account.accessTokenExpiresAt.toISOString(),
    refresh_token_expires_at: account.refreshTokenExpiresAt?.toISOString() ?? null,
    metadata: account.metadata,
    needs_reconnect: account.needsReconnect,
  }
}

/** A post with its accounts in request order, always without tokens. */
export function postToWire(post: Post, accounts: readonly Account[]): SocialPostWire {
  return {
    id: post.id,
    external_id: post.externalId,
    caption: post.caption,
    status: post.status,
    scheduled_at: post.scheduledAt?.toISOString() ?? null,
    media: post.media,
    platform_configurations: post.platformConfigurations as SocialPostWire['platform_configurations'],
    account_configurations: post.accountConfigurations,
    social_accounts: accounts.map((account) => accountToWire(account)),
    created_at: post.createdAt.toISOString(),
    updated_at: post.updatedAt.toISOString(),
  }
}

/** A settled delivery. `platform_data` is always an object. Expects `details` without secrets (storage/results.ts). */
export function resultToWire(result: PostResult): SocialPostResultWire {
  return {
    id: result.id,
    post_id: result.postId,
    social_account_id: result.accountId,
    success: result.outcome === 'published',
    error: result.error,
    details: result.code === null ? result.details : { ...result.details, code: result.code },
    platform_data: result.platformData,
    media: result.media,
    outcome: result.outcome,
  }
}
