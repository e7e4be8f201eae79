/** What the OpenAPI document names; `Ref` points here. */
import { type TSchema, Type } from '@sinclair/typebox'
import { SocialAccount } from './accounts.ts'
import { SocialPost, SocialPostResult } from './posts.ts'

const status = { statusCode: Type.Integer(), code: Type.String({ description: 'Which error, for programs.' }) }
const message = Type.String()

export const components: Record<string, TSchema> = {
  SocialAccount,
  SocialPost,
  SocialPostResult,
  PlainError: Type.Object({ ...status, message }),
  NamedError: Type.Object({ ...status, error: Type.String(), message }),
  ListedError: Type.Object({ ...status, error: Type.String(), message: Type.Array(message) }),
  PostError: Type.Object({ ...status, message, errors: Type.Array(message) }),
}
