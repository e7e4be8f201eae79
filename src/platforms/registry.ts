import type { PlatformName } from '../model/platform.ts'
import { blueskyOrigin } from './bluesky/hosts.ts'
import { bluesky } from './bluesky/index.ts'
import type { Platform } from './platform.ts'

/** Every platform by name; null: this version cannot publish there yet. */
export const platforms = {
  facebook: null,
  instagram: null,
  x: null,
  tiktok: null,
  tiktok_business: null,
  youtube: null,
  pinterest: null,
  linkedin: null,
  bluesky,
  threads: null,
  mastodon: null,
  telegram: null,
  discord: null,
} as const satisfies Record<PlatformName, Platform | null>

/**
 * The API origin of each vendor: what a configured base URL replaces, and what accounts are labelled with. Those of
 * platforms that cannot publish yet move to their folders with them.
 */
export const vendorOrigins = {
  facebook: 'https://graph.facebook.com',
  instagram: 'https://graph.instagram.com',
  x: 'https://api.x.com',
  tiktok: 'https://open.tiktokapis.com',
  tiktok_business: 'https://business-api.tiktok.com',
  youtube: 'https://www.googleapis.com',
  pinterest: 'https://api.pinterest.com',
  linkedin: 'https://api.linkedin.com',
  bluesky: blueskyOrigin,
  threads: 'https://graph.threads.net',
  mastodon: 'https://mastodon.social',
  telegram: 'https://api.telegram.org',
  discord: 'https://discord.com',
} as const satisfies Record<PlatformName, string>

export function platformOf(name: PlatformName): Platform | null {
  return platforms[name]
}
