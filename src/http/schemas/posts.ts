import { type Static, Type } from '@sinclair/typebox'
import { platformNames } from '../../model/platform.ts'
import { postStatuses } from '../../model/post.ts'
import { Filter, Instant, ListOf, Nullable, OneOf, pageProperties, Ref } from './parts.ts'

/** Most accounts of one post, and most media items at one level. */
export const maxAccounts = 500
export const maxMedia = 100
/** Longest reference of the caller's, in characters: it is indexed. */
const maxReference = 500

const MediaTag = Type.Object({
  id: Type.String({ description: 'Facebook user id, Instagram username, or Instagram product id.' }),
  platform: OneOf(['facebook', 'instagram']),
  type: OneOf(['user', 'product']),
  x: Type.Optional(Nullable(Type.Number({ description: 'Distance from the left edge, in the platform’s unit.' }))),
  y: Type.Optional(Nullable(Type.Number({ description: 'Distance from the top edge, in the platform’s unit.' }))),
})

export const Media = Type.Object({
  url: Type.String({ description: 'Public http or https address of the file.' }),
  thumbnail_url: Type.Optional(Nullable(Type.String({ description: 'Public address of a cover image.' }))),
  thumbnail_timestamp_ms: Type.Optional(
    Nullable(Type.Integer({ minimum: 0, description: 'Frame to use as cover, in milliseconds from the start.' })),
  ),
  tags: Type.Optional(Nullable(Type.Array(MediaTag, { maxItems: 100 }))),
  skip_processing: Type.Optional(Nullable(Type.Boolean({ description: 'Publish the file as it is.' }))),
})

const MediaList = Type.Array(Media, { maxItems: maxMedia })

export const Configuration = Type.Object(
  {
    caption: Type.Optional(Nullable(Type.String({ description: 'Replaces the text; null or empty: not replaced.' }))),
    media: Type.Optional(Nullable(MediaList)),
  },
  { additionalProperties: true, description: 'Fields of the platform; unknown ones are kept as they are sent.' },
)

const AccountConfiguration = Type.Object({ social_account_id: Type.String(), configuration: Configuration })

export const PostBody = Type.Object({
  caption: Type.String({ minLength: 1, description: 'Default text.' }),
  social_accounts: Type.Array(Type.String(), {
    maxItems: maxAccounts,
    description: 'Ids of accounts; empty only for drafts.',
  }),
  scheduled_at: Type.Optional(Nullable(Instant('When to publish; null or absent: now.'))),
  isDraft: Type.Optional(Nullable(Type.Boolean({ description: 'Store only.' }))),
  media: Type.Optional(Nullable(MediaList)),
  platform_configurations: Type.Optional(
    Nullable(
      Type.Object(Object.fromEntries(platformNames.map((name) => [name, Type.Optional(Nullable(Configuration))])), {
        additionalProperties: false,
        description: 'Overrides for all accounts of a platform.',
      }),
    ),
  ),
  account_configurations: Type.Optional(
    Nullable(Type.Array(AccountConfiguration, { maxItems: maxAccounts, description: 'Overrides for one account.' })),
  ),
  external_id: Type.Optional(
    Nullable(Type.String({ maxLength: maxReference, description: 'Your own reference; need not be unique.' })),
  ),
})
export type PostBody = Static<typeof PostBody>

export const SocialPost = Type.Object({
  id: Type.String(),
  external_id: Nullable(Type.String()),
  caption: Type.String(),
  status: OneOf(postStatuses),
  scheduled_at: Nullable(Instant('When it goes out, or was accepted; null for a draft without a time.')),
  media: Type.Array(Media),
  platform_configurations: Type.Object({}, { additionalProperties: true }),
  account_configurations: Type.Array(AccountConfiguration),
  social_accounts: Type.Array(Ref('SocialAccount'), { description: 'In request order; tokens are always empty here.' }),
  created_at: Instant('When it was created.'),
  updated_at: Instant('When it last changed.'),
})

export const PostQuery = Type.Object({
  ...pageProperties,
  platform: Filter(platformNames, 'Posts to any of these platforms.'),
  status: Filter(postStatuses, 'Posts in any of these statuses.'),
  external_id: Filter('freeText', 'Posts with any of these references.'),
  social_account_id: Filter('ids', 'Posts to any of these accounts.'),
})
export type PostQuery = Static<typeof PostQuery>

export const PostList = ListOf(Ref('SocialPost'))

export const SocialPostResult = Type.Object({
  id: Type.String(),
  post_id: Type.String(),
  social_account_id: Type.String(),
  success: Type.Boolean(),
  error: Nullable(Type.String({ description: 'Why it failed, in the platform’s words where it gave any.' })),
  details: Type.Unsafe<unknown>({ description: 'What else is known; `code` names the failure. Never a secret.' }),
  platform_data: Type.Object({
    id: Type.Optional(Type.String({ description: 'The platform’s id of the post.' })),
    url: Type.Optional(Type.String({ description: 'Where to see it.' })),
  }),
  media: Type.Array(Media, { description: 'The media used.' }),
  outcome: OneOf(['published', 'failed', 'unknown'], 'Unknown: it may or may not have been published.'),
})

export const ResultQuery = Type.Object({
  ...pageProperties,
  post_id: Filter('ids', 'Results of any of these posts.'),
  platform: Filter(platformNames, 'Results on any of these platforms.'),
  social_account_id: Filter('ids', 'Results of any of these accounts.'),
})
export type ResultQuery = Static<typeof ResultQuery>

export const ResultList = ListOf(Ref('SocialPostResult'))
