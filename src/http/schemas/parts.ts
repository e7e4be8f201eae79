/** Pieces that several schemas are made of. These schemas validate requests and make the OpenAPI document. */
import { type Static, type TProperties, type TSchema, Type } from '@sinclair/typebox'
import { platformNames } from '../../model/platform.ts'

/** The schema, or null. One `type` list instead of `anyOf`, so that a problem is one sentence. */
export function Nullable<T extends TSchema>(schema: T) {
  const { type, enum: values, ...rest } = schema
  return Type.Unsafe<Static<T> | null>({
    ...rest,
    type: [type, 'null'],
    ...(values && { enum: [...values, null] }),
  })
}

export function OneOf<const T extends readonly string[]>(values: T, description?: string) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...(description && { description }) })
}

export const Instant = (description: string) => Type.String({ format: 'date-time', description })

export const Platform = OneOf(platformNames, 'A platform, as it is spelled everywhere in this API.')

/** A list filter: comma list, repeated or bracketed. `freeText` also matches the unsplit text. */
export function Filter(values: readonly string[] | 'freeText' | 'ids', description: string) {
  const items = typeof values === 'string' ? Type.String() : Type.String({ enum: [...values] })
  return Type.Optional(
    Type.Unsafe<string[]>({
      type: 'array',
      items,
      description,
      style: 'form',
      explode: false,
      ...(values === 'freeText' && { freeText: true }),
    }),
  )
}

export const pageProperties = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50, description: 'Entries on a page.' })),
  offset: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_000_000_000, default: 0, description: 'Entries to leave out.' }),
  ),
}

export const PageQuery = Type.Object(pageProperties)

/** A list's answer. */
export function ListOf(schema: TSchema) {
  return Type.Object({
    data: Type.Array(schema),
    meta: Type.Object({
      total: Type.Integer({ description: 'How many match, exactly.' }),
      offset: Type.Integer(),
      limit: Type.Integer(),
      next: Nullable(Type.String({ description: 'Address of the next page.' })),
    }),
  })
}

/** A schema of `components.ts` by its name, so that the OpenAPI document has each once. */
export function Ref<T extends TSchema>(name: string, _schema?: T) {
  return Type.Unsafe<Static<T>>({ $ref: `${name}#` })
}

export function IdIn<T extends string>(name: T, description: string) {
  return Type.Object({ [name]: Type.String({ description }) } as TProperties)
}

export const Deleted = Type.Object({ success: Type.Boolean() })

/** The error answers of a route, for its `response`. */
export function errorsOf(...which: ('post' | 'invalid' | 'plain' | 'notFound' | 'version')[]) {
  const bad = [
    ...(which.includes('post') ? [Ref('PostError')] : []),
    ...(which.includes('invalid') ? [Ref('ListedError')] : []),
    ...(which.includes('plain') ? [Ref('PlainError')] : []),
  ]
  const plain = (description: string) => ({ description, ...Ref('PlainError') })
  return {
    ...(bad.length > 0 && { 400: { description: 'It cannot be done as asked.', anyOf: bad } }),
    401: { description: 'No valid API key.', ...Ref('NamedError') },
    403: plain('This key may not.'),
    ...(which.includes('notFound') && { 404: plain('There is no such thing in this project.') }),
    ...(which.includes('version') && { 412: plain('It was changed since it was read.') }),
    429: plain('Too many requests with this key.'),
  }
}
