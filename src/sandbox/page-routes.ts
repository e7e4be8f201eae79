import type { FastifyInstance } from 'fastify'
import { type BlobStore, sha256Of } from './blob-store.ts'
import { readPublishedQuery } from './control-input.ts'
import { queryOf } from './control-routes.ts'
import type { Emulator } from './emulator.ts'
import { sniffMime } from './mime.ts'
import { pageStyle, timelinePage } from './page.ts'
import type { Timeline, TimelinePost } from './timeline.ts'

export interface Pages {
  emulators: readonly Emulator[]
  timeline: Timeline
  blobs: BlobStore
}

const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${sha256Of(pageStyle).toString('base64')}'`,
  "img-src 'self'",
  "media-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
].join('; ')

/** What a browser may draw; everything else is offered as a download. */
const drawable = /^(image\/(png|jpeg|gif|webp|avif)|video\/(mp4|webm))$/

/** The timelines as people would see them, the newest first. */
export function pageRoutes(app: FastifyInstance, { emulators, timeline, blobs }: Pages): void {
  const cardOf = (post: TimelinePost) => emulators.find(({ platform }) => platform === post.platform)!.card(post)

  app.get('/sandbox/', (request, reply) => {
    const query = readPublishedQuery(withoutEmpty(queryOf(request)))
    const shown = timeline.newest(query).map((post) => ({ post, card: cardOf(post) }))
    return reply
      .headers({ 'content-security-policy': pagePolicy, 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
      .header('x-content-type-options', 'nosniff')
      .type('text/html; charset=utf-8')
      .send(timelinePage(shown, timeline.size(), query))
  })

  // A server that ignores trailing slashes has this one already.
  if (!app.hasRoute({ method: 'GET', url: '/sandbox' })) {
    app.get('/sandbox', (_request, reply) => reply.redirect('/sandbox/'))
  }

  app.get('/sandbox/media/:sha256', async (request, reply) => {
    const bytes = await blobs.get((request.params as { sha256: string }).sha256)
    if (!bytes) return reply.code(404).send({ statusCode: 404, message: 'No such media.' })
    const type = sniffMime(bytes)
    const inline = type !== null && drawable.test(type)
    return reply
      .headers({ 'content-security-policy': "default-src 'none'; sandbox", 'x-content-type-options': 'nosniff' })
      .header('content-disposition', inline ? 'inline' : 'attachment')
      .type(inline ? type : 'application/octet-stream')
      .send(bytes)
  })
}

/** A form sends its empty fields too. */
function withoutEmpty(query: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''))
}
