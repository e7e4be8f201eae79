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

/** A list's answer. `next` is the configured public address, whatever `Host` says. */
export function listAnswer<T>(
  request: FastifyRequest,
  list: { data: T[]; total: number; page: Page; schema: TObject; publicUrl: string },
) {
  const { data, total, page, schema, publicUrl } = list
  const next = page.offset + page.limit
  const [path = '', query = ''] = splitOnce(request.raw.url ?? '')
  const names = Object.keys(schema.properties)
  const link = `${publicUrl.replace(/\/+$/, '')}${path.replace(/\/+$/, '')}`
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

function splitOnce(url: string): [string, string] {
  const at = url.indexOf('?')
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)]
}
