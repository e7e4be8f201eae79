import type { MediaUrlRules } from '../content/media-url.ts'
import { parseInstant } from '../model/instant.ts'
import type { PlatformName } from '../model/platform.ts'
import type { AccountConfiguration, Configuration, MediaItem, PostDraft } from '../model/post.ts'
import {
  type Fields,
  fieldProblems,
  isObject,
  mediaProblems,
  missingOfReplacement,
  targetProblems,
  texts,
} from './post-problems.ts'
import { PostBody } from './schemas/posts.ts'
import { checkerOf, withinBounds } from './validate.ts'

/** What a body says, as far as it can be read without the database. */
export interface ReadPost {
  /** Null when there are problems. */
  draft: PostDraft | null
  problems: string[]
  /** The targets as far as they are ids, so that unknown ones are reported with the other problems. */
  accountIds: string[]
}

const checkBody = checkerOf(PostBody)

/** Reads the body of POST and PUT /v1/social-posts and reports every problem at once. */
export function readPostBody(body: unknown, options: { replaces: boolean; rules: MediaUrlRules }): ReadPost {
  if (!isObject(body)) {
    return { draft: null, problems: ['The body must be a JSON object'], accountIds: [] }
  }
  const { replaces, rules } = options
  const bounded = withinBounds(PostBody, body)
  const fields = bounded.value as Fields
  const oversize = bounded.problems
  const problems = [
    ...oversize,
    ...(replaces ? missingOfReplacement(fields) : []),
    ...checkBody(fields).filter((problem) => !replaces || !/^(caption|social_accounts) is required$/.test(problem)),
    ...targetProblems(fields),
    ...mediaProblems(fields, rules),
    ...fieldProblems(fields),
  ]
  const accountIds = oversize.length === 0 ? texts(fields['social_accounts']) : []
  const unique = [...new Set(problems)]
  return { draft: unique.length === 0 ? draftOf(fields as PostBody) : null, problems: unique, accountIds }
}

/** A time that is too long ago; up to 60 s are taken as clocks that disagree. */
export function timeProblems(draft: PostDraft, nowMs: number): string[] {
  const { scheduledAt } = draft
  if (!scheduledAt || nowMs - scheduledAt.getTime() < 60_000) return []
  return [
    `scheduled_at must not be in the past: ${scheduledAt.toISOString()} was ${Math.floor((nowMs - scheduledAt.getTime()) / 1000)} seconds ago; leave it out to publish now`,
  ]
}

function draftOf(body: PostBody): PostDraft {
  const platforms = Object.entries(body.platform_configurations ?? {}) as [PlatformName, Fields | null][]
  return {
    caption: body.caption,
    accountIds: body.social_accounts,
    externalId: body.external_id ?? null,
    isDraft: body.isDraft ?? false,
    scheduledAt: body.scheduled_at ? parseInstant(body.scheduled_at) : null,
    media: mediaOf(body.media),
    platformConfigurations: Object.fromEntries(
      platforms.filter(([, inner]) => inner).map(([name, inner]) => [name, configurationOf(inner!)]),
    ),
    accountConfigurations: (body.account_configurations ?? []).map(
      (entry): AccountConfiguration => ({
        social_account_id: entry.social_account_id,
        configuration: configurationOf(entry.configuration),
      }),
    ),
  }
}

function configurationOf(sent: Fields): Configuration {
  return {
    ...sent,
    caption: (sent['caption'] as string | null | undefined) ?? null,
    media: mediaOf(sent['media'] as PostBody['media']),
  }
}

function mediaOf(sent: PostBody['media']): MediaItem[] {
  return (sent ?? []).map((item) => ({
    url: item.url,
    thumbnail_url: item.thumbnail_url ?? null,
    thumbnail_timestamp_ms: item.thumbnail_timestamp_ms ?? null,
    tags:
      item.tags?.map(({ id, platform, type, x, y }) => ({
        id,
        platform,
        type,
        ...(typeof x === 'number' && { x }),
        ...(typeof y === 'number' && { y }),
      })) ?? null,
    skip_processing: item.skip_processing ?? false,
  }))
}
