/** The configuration fields of each platform, as data: read by validation and by content resolution. */
import { type PlatformName, platformNames } from '../model/platform.ts'

/** What a field takes. `choice` lists its words. */
export type FieldShape =
  | { is: 'text' | 'flag' | 'number' | 'texts' | 'nested texts' | 'date-time' | 'date' }
  | { is: 'choice'; of: readonly string[] }
  | { is: 'object'; of: Readonly<Record<string, FieldShape>>; required?: readonly string[] }
  | { is: 'map'; of: FieldShape }

type Fields = Readonly<Record<string, FieldShape>>

const text = { is: 'text' } as const
const flag = { is: 'flag' } as const
const texts = { is: 'texts' } as const
const choice = <const Words extends readonly string[]>(...of: Words) => ({ is: 'choice', of }) as const

const placements = choice('timeline', 'reels', 'stories')
const replySettings = choice('following', 'mentionedUsers', 'subscribers', 'verified')
// The official SDK types collaborators as lists in a list; both forms are taken.
const collaborators = { is: 'nested texts' } as const

const tiktok: Fields = {
  title: text,
  // Any text: the compatible API takes all but `private` for public.
  privacy_status: text,
  allow_comment: flag,
  allow_duet: flag,
  allow_stitch: flag,
  disclose_your_brand: flag,
  disclose_branded_content: flag,
  is_draft: flag,
  auto_add_music: flag,
  is_ai_generated: flag,
}

/** Beside `caption` and `media`, which every platform takes. All optional; null means unset everywhere. */
export const platformFields = {
  facebook: {
    placement: placements,
    location: text,
    collaborators,
    set_caption_for_each_image: flag,
  },
  instagram: {
    placement: placements,
    collaborators,
    location: text,
    share_to_feed: flag,
    trial_reel_type: choice('manual', 'performance'),
    audio_name: text,
  },
  x: {
    poll: {
      is: 'object',
      of: { duration_minutes: { is: 'number' }, options: texts, reply_settings: replySettings },
      required: ['duration_minutes', 'options'],
    },
    community_id: text,
    quote_tweet_id: text,
    reply_settings: replySettings,
  },
  tiktok,
  tiktok_business: tiktok,
  youtube: {
    title: text,
    description: text,
    tags: texts,
    category_id: text,
    default_language: text,
    localizations: { is: 'map', of: { is: 'object', of: { title: text, description: text } } },
    privacy_status: choice('public', 'private', 'unlisted'),
    embeddable: flag,
    public_stats_viewable: flag,
    license: choice('youtube', 'creativeCommon'),
    publish_at: { is: 'date-time' },
    made_for_kids: flag,
    contains_synthetic_media: flag,
    recording_date: { is: 'date' },
  },
  pinterest: { board_ids: texts, title: text, link: text },
  linkedin: { reshare_post_id: text },
  threads: { placement: choice('timeline', 'reels') },
  // Belfry's own: the compatible API knows no field of this platform.
  bluesky: {
    /** The post to quote: an `at://` URI or its address at bsky.app. */
    quote: text,
    /** Languages of the text, BCP-47, at most 3. */
    langs: texts,
    /** Descriptions of the images, in their order. */
    alt_texts: texts,
  },
  mastodon: {},
  telegram: {},
  discord: {},
} as const satisfies Record<PlatformName, Fields>

/** Every known field with the platforms that know it and the shapes that they give it. */
const knownFields = new Map<string, Map<PlatformName, FieldShape>>()
for (const platform of platformNames) {
  for (const [field, shape] of Object.entries(platformFields[platform] as Fields)) {
    const shapes = knownFields.get(field) ?? new Map<PlatformName, FieldShape>()
    knownFields.set(field, shapes.set(platform, shape))
  }
}

/** True for a field that other platforms know and this one does not. */
export function belongsElsewhere(field: string, platform: PlatformName): boolean {
  const platforms = knownFields.get(field)
  return platforms !== undefined && !platforms.has(platform)
}

/** The shapes that a field may have for one platform, or (null) for any; empty when it is not known there. */
export function shapesOf(field: string, platform: PlatformName | null): FieldShape[] {
  const shapes = knownFields.get(field)
  if (!shapes) return []
  if (platform === null) return [...new Set(shapes.values())]
  const shape = shapes.get(platform)
  return shape ? [shape] : []
}
