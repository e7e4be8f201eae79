import type { JsonObject, PlatformName } from './platform.ts'

export const postStatuses = ['draft', 'scheduled', 'processing', 'processed'] as const
export type PostStatus = (typeof postStatuses)[number]

/** A person or product marked on a media item. `x` and `y` are passed on unchanged in the platform's own unit. */
export interface MediaTag {
  id: string
  platform: 'facebook' | 'instagram'
  type: 'user' | 'product'
  x?: number
  y?: number
}

/** One media item as stored and as answered: all five keys are always there, unset is null (`skip_processing`: false). */
export interface MediaItem {
  url: string
  thumbnail_url: string | null
  /** Frame to use as cover, in milliseconds from the start. */
  thumbnail_timestamp_ms: number | null
  tags: MediaTag[] | null
  skip_processing: boolean
}

/**
 * Overrides of one platform or one account, as they are stored and answered: `caption` is null and
 * `media` is empty when unset; every other key is kept as it was sent.
 */
export type Configuration = { caption: string | null; media: MediaItem[] } & { [field: string]: unknown }

export interface AccountConfiguration {
  social_account_id: string
  configuration: Configuration
}

/** What a post says, at its three levels. */
export interface PostContent {
  caption: string
  media: MediaItem[]
  platformConfigurations: Partial<Record<PlatformName, Configuration>>
  accountConfigurations: AccountConfiguration[]
}

/** What goes out to one account, after account over platform over post. */
export interface ResolvedContent {
  caption: string
  media: MediaItem[]
  /** The merged other fields; null values are left out. */
  options: JsonObject
}

export interface Post extends PostContent {
  id: string
  projectId: string
  status: PostStatus
  /** Counts accepted writes from 1; the `ETag`. */
  version: number
  externalId: string | null
  /** When it goes out; for an instant post the time it was accepted; null for a draft without a time. */
  scheduledAt: Date | null
  /** Deliveries that have not settled; 0 unless `processing`. */
  openDeliveries: number
  createdAt: Date
  updatedAt: Date
}

/** What a create or replace brings: content, targets in request order, and when. */
export interface PostDraft extends PostContent {
  accountIds: string[]
  externalId: string | null
  isDraft: boolean
  scheduledAt: Date | null
}
