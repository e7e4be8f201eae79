import type { FastifyInstance } from 'fastify'
import type { BlobStore } from './blob-store.ts'
import type { Emulator } from './emulator.ts'
import type { Timeline } from './timeline.ts'

export interface Pages {
  emulators: readonly Emulator[]
  timeline: Timeline
  blobs: BlobStore
}

/** The timelines as people would see them. */
export function pageRoutes(app: FastifyInstance, pages: Pages): void {
  app.get('/sandbox/', (_request, reply) => reply.type('text/plain').send(`${pages.timeline.size()} posts`))
}
