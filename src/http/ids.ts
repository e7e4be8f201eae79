import type { FastifyRequest } from 'fastify'
import { BelfryError, type ErrorCode } from '../model/errors.ts'

/**
 * The id in the path. Ids are opaque, but one that Belfry cannot have made is simply not found.
 * @throws {BelfryError} the given code
 */
export function idOf(request: FastifyRequest, notFound: ErrorCode): string {
  const { id } = request.params as { id?: string }
  if (!id || !/^[0-9A-Za-z_]{1,64}$/.test(id)) throw new BelfryError(notFound)
  return id
}

/** Whether a version may be written. */
export type IfMatch = 'any' | readonly number[]

/** The `If-Match` header: absent and `*` are any version; what is no version of ours matches none. */
export function ifMatchOf(request: FastifyRequest): IfMatch {
  const header = request.headers['if-match']?.trim()
  if (header === undefined || header === '' || header === '*') return 'any'
  // `W/` is what proxies make of our tags when they compress.
  return header.split(',').flatMap((tag) => {
    const digits = /^\s*(?:W\/)?"(\d{1,9})"\s*$/.exec(tag)?.[1]
    return digits ? [Number(digits)] : []
  })
}

export function etagOf(post: { version: number }): string {
  return `"${post.version}"`
}
