import type { TObject } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { nextQuery, parseQuery } from './query.ts'

export interface PageQuery {
  limit?: number
  offset?: number
}

export interface Page {
  limit: number
  offset: number
}

export function pageOf(query: PageQuery): Page {
  return { limit: query.limit ?? 50, offset: query.offset ?? 0 }
}

/** A list's answer. `next` is the configured public address, whatever `Host` or the request line says. */
export function listAnswer<T>(
  request: FastifyRequest,
  list: { data: T[]; total: number; page: Page; schema: TObject; publicUrl: string },
) {
  const { data, total, page, schema, publicUrl } = list
  const next = page.offset + page.limit
  const url = request.raw.url ?? ''
  const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
  const names = Object.keys(schema.properties)
  const link = `${publicUrl.replace(/\/+$/, '')}${request.routeOptions.url}`
  return {
    data,
    meta: {
      total,
      offset: page.offset,
      limit: page.limit,
      next: next < total ? `${link}?${nextQuery(parseQuery(query), names, { limit: page.limit, offset: next })}` : null,
    },
  }
}
