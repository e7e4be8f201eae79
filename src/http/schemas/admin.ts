import { type Static, Type } from '@sinclair/typebox'
import { scopes } from '../../model/project.ts'
import { Instant, ListOf, Nullable, OneOf, Platform } from './parts.ts'

export const Project = Type.Object({
  id: Type.String(),
  name: Type.String(),
  return_url: Nullable(Type.String({ description: 'Where a browser goes after connecting an account.' })),
  overflow: OneOf(['refuse', 'truncate'], 'Text that a platform cannot take: 400, or cut at a word.'),
  retry_deadline_s: Type.Integer({ description: 'How long a failing delivery is retried, in seconds.' }),
  created_at: Instant('When it was created.'),
})

export const ProjectPatch = Type.Object({
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  return_url: Type.Optional(Nullable(Type.String({ maxLength: 2000 }))),
  overflow: Type.Optional(OneOf(['refuse', 'truncate'])),
  retry_deadline_s: Type.Optional(Type.Integer({ minimum: 60, maximum: 604_800 })),
})
export type ProjectPatch = Static<typeof ProjectPatch>

const keyProperties = {
  id: Type.String(),
  hint: Type.String({ description: 'The first characters of the key.' }),
  label: Nullable(Type.String()),
  scopes: Type.Array(OneOf(scopes)),
  account_ids: Nullable(Type.Array(Type.String(), { description: 'The only accounts it may see and post to.' })),
  reveal_tokens: Type.Boolean({ description: 'Whether it sees the tokens of accounts.' }),
  expires_at: Nullable(Instant('When it stops working.')),
  revoked_at: Nullable(Instant('When it was revoked.')),
  created_at: Instant('When it was made.'),
}

export const ApiKey = Type.Object(keyProperties)
export const NewApiKey = Type.Object({ ...keyProperties, key: Type.String({ description: 'Shown this once.' }) })
export const ApiKeyList = ListOf(ApiKey)

export const ApiKeyBody = Type.Object({
  label: Type.Optional(Nullable(Type.String({ maxLength: 200 }))),
  scopes: Type.Optional(Nullable(Type.Array(OneOf(scopes), { minItems: 1, maxItems: 100 }))),
  account_ids: Type.Optional(Nullable(Type.Array(Type.String(), { maxItems: 500 }))),
  reveal_tokens: Type.Optional(Nullable(Type.Boolean())),
  expires_at: Type.Optional(Nullable(Instant('When it stops working; null: never.'))),
})
export type ApiKeyBody = Static<typeof ApiKeyBody>

export const ProviderCredentials = Type.Object({
  platform: Platform,
  kind: Type.String({ description: '`default`, or the second kind of a platform, such as `oauth1`.' }),
  client_id: Type.String(),
  client_secret: Type.String({ description: 'Masked.' }),
  updated_at: Instant('When it was stored.'),
})

export const ProviderCredentialsList = Type.Object({ data: Type.Array(ProviderCredentials) })

export const ProviderCredentialsBody = Type.Object({
  kind: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 50 }))),
  client_id: Type.String({ minLength: 1, maxLength: 2000 }),
  client_secret: Type.String({ minLength: 1, maxLength: 10_000 }),
})
export type ProviderCredentialsBody = Static<typeof ProviderCredentialsBody>

export const ProviderCredentialsQuery = Type.Object({
  kind: Type.Optional(Type.String({ description: 'Only this kind; absent: every kind.' })),
})
export type ProviderCredentialsQuery = Static<typeof ProviderCredentialsQuery>
