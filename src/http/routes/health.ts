import type { FastifyInstance } from 'fastify'
import type { Parts } from '../parts.ts'

/** Without a version and without a key. */
export function healthRoutes(app: FastifyInstance, parts: Parts): void {
  const schema = { tags: ['Health'], hide: true }

  app.get('/healthcheck', { schema }, async (_request, reply) => {
    try {
      await parts.db.rows('select 1')
      return { status: 'ok' }
    } catch {
      return reply.code(503).header('retry-after', '2').send({ status: 'unavailable' })
    }
  })

  /** The process lives; it says nothing about what it needs. */
  app.get('/healthz', { schema }, async () => ({ status: 'ok' }))

  app.get('/readyz', { schema }, async (_request, reply) => {
    const figures = await parts.health.ready()
    return reply.code(figures.ok ? 200 : 503).send({ status: figures.ok ? 'ok' : 'unavailable', ...figures })
  })
}
