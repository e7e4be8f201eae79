/**
 * The platforms as they are spelled on the wire. The first ten are the compatible API's,
 * the last three are Belfry's own.
 */
export const platformNames = [
  'facebook',
  'instagram',
  'x',
  'tiktok',
  'tiktok_business',
  'youtube',
  'pinterest',
  'linkedin',
  'bluesky',
  'threads',
  'mastodon',
  'telegram',
  'discord',
] as const

export type PlatformName = (typeof platformNames)[number]

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

export type JsonObject = { [key: string]: Json }
