import { fastifySwagger } from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

/** The reference page and the OpenAPI document, made from the schemas that validate requests. Nothing is loaded from elsewhere. */
export async function serveOpenApi(app: FastifyInstance, options: { version: string; publicUrl: () => string }) {
  await app.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Belfry',
        version: options.version,
        description: 'Publishing to social platforms: posts, schedules, accounts and results.',
      },
      components: { securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
      security: [{ apiKey: [] }],
    },
  })
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    uiConfig: { validatorUrl: null, deepLinking: true, persistAuthorization: false },
    staticCSP: true,
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => ({
    ...app.swagger(),
    servers: [{ url: options.publicUrl() }],
  }))
}
