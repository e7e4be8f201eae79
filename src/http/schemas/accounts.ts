import { type Static, Type } from '@sinclair/typebox'
import { platformNames } from '../../model/platform.ts'
import { Filter, Instant, ListOf, Nullable, OneOf, Platform, pageProperties, Ref } from './parts.ts'

export const accountStatuses = ['connected', 'disconnected'] as const

const Metadata = Type.Unsafe<Record<string, unknown>>({
  type: 'object',
  additionalProperties: true,
  description: 'Facts about the connection, such as `connection_type`; secrets among them are never answered.',
})

export const SocialAccount = Type.Object({
  id: Type.String(),
  platform: Platform,
  username: Nullable(Type.String()),
  user_id: Type.String({ description: 'The platform’s own id: page id, channel id, DID …' }),
  profile_photo_url: Nullable(Type.String()),
  status: OneOf(accountStatuses),
  external_id: Nullable(Type.String()),
  access_token: Type.String({ description: 'Empty unless the key may see tokens.' }),
  refresh_token: Nullable(Type.String({ description: 'Empty unless the key may see tokens.' })),
  access_token_expires_at: Instant('When the access token ends.'),
  refresh_token_expires_at: Nullable(Instant('When the refresh token ends.')),
  metadata: Nullable(Metadata),
  needs_reconnect: Nullable(Type.String({ description: 'Why it must be connected again; null while it works.' })),
})

export const AccountBody = Type.Object({
  platform: Platform,
  user_id: Type.String({ minLength: 1, maxLength: 500 }),
  access_token: Type.String({ minLength: 1 }),
  access_token_expires_at: Instant('When the access token ends.'),
  username: Type.Optional(Nullable(Type.String())),
  external_id: Type.Optional(Nullable(Type.String())),
  refresh_token: Type.Optional(Nullable(Type.String())),
  refresh_token_expires_at: Type.Optional(Nullable(Instant('When the refresh token ends.'))),
  metadata: Type.Optional(Nullable(Metadata)),
})
export type AccountBody = Static<typeof AccountBody>

export const AccountPatch = Type.Object({
  username: Type.Optional(Nullable(Type.String())),
  external_id: Type.Optional(Nullable(Type.String())),
})
export type AccountPatch = Static<typeof AccountPatch>

export const AccountQuery = Type.Object({
  ...pageProperties,
  platform: Filter(platformNames, 'Accounts of any of these platforms.'),
  username: Filter('freeText', 'Accounts with any of these names.'),
  external_id: Filter('freeText', 'Accounts with any of these references.'),
  id: Filter('ids', 'Any of these accounts.'),
  status: Filter(accountStatuses, 'Connected or disconnected accounts.'),
})
export type AccountQuery = Static<typeof AccountQuery>

export const AccountList = ListOf(Ref('SocialAccount'))

const connectionType = <const T extends readonly string[]>(values: T) =>
  Type.Optional(
    Nullable(Type.Object({ connection_type: Type.Optional(Nullable(OneOf(values))) }, { additionalProperties: true })),
  )

export const AuthUrlBody = Type.Object({
  platform: Platform,
  external_id: Type.Optional(Nullable(Type.String())),
  permissions: Type.Optional(Nullable(Type.Array(OneOf(['posts', 'feeds']), { maxItems: 20 }))),
  redirect_url_override: Type.Optional(Nullable(Type.String())),
  platform_data: Type.Optional(
    Nullable(
      Type.Object(
        {
          bluesky: Type.Optional(
            Nullable(
              Type.Object({
                handle: Type.String({ minLength: 1 }),
                app_password: Type.String({ minLength: 1 }),
              }),
            ),
          ),
          instagram: connectionType(['instagram', 'facebook']),
          linkedin: connectionType(['personal', 'organization']),
          x: connectionType(['oauth1', 'oauth2']),
        },
        { additionalProperties: true },
      ),
    ),
  ),
})
export type AuthUrlBody = Static<typeof AuthUrlBody>

export const AuthUrl = Type.Object({ url: Type.String(), platform: Type.String() })
