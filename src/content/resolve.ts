/** What goes out to one account: account over platform over post, field by field. Pure; publishing, preview and validation share it. */
import type { Json, JsonObject, PlatformName } from '../model/platform.ts'
import type { Configuration, MediaItem, PostContent, ResolvedContent } from '../model/post.ts'
import { belongsElsewhere } from './fields.ts'

/**
 * Caption: the first that is not empty. Media: the first list that is not empty. Every other field: the account's,
 * else the platform's; null means "not overridden here". Fields that only other platforms know are left out, fields
 * that nobody knows are kept.
 */
export function resolveContent(content: PostContent, platform: PlatformName, accountId: string): ResolvedContent {
  const ofAccount = content.accountConfigurations.find((entry) => entry.social_account_id === accountId)?.configuration
  const ofPlatform = content.platformConfigurations[platform]
  const levels = [ofAccount, ofPlatform].filter((level): level is Configuration => Boolean(level))
  return {
    caption: firstCaption(levels) ?? content.caption,
    media: firstMedia(levels) ?? content.media,
    options: mergeOptions(levels, platform),
  }
}

function firstCaption(levels: Configuration[]): string | null {
  return levels.find((level) => typeof level.caption === 'string' && level.caption !== '')?.caption ?? null
}

function firstMedia(levels: Configuration[]): MediaItem[] | null {
  return levels.find((level) => Array.isArray(level.media) && level.media.length > 0)?.media ?? null
}

function mergeOptions(levels: Configuration[], platform: PlatformName): JsonObject {
  const merged = new Map<string, Json>()
  // From the least specific level on, so that the account's value is the last one set.
  for (const level of levels.toReversed()) {
    for (const [field, value] of Object.entries(level)) {
      if (field === 'caption' || field === 'media') continue
      if (value === null || value === undefined || belongsElsewhere(field, platform)) continue
      merged.set(field, value as Json)
    }
  }
  return Object.fromEntries(merged)
}
