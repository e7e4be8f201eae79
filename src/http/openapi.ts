import { fastifySwagger } from '@fastify/swagger'
import fastifySwaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { components } from './schemas/components.ts'

/** Nothing from elsewhere, and no upgrade to https: plain http is how it runs at home. */
const csp =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

const wordmark =
  '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="40"><text x="4" y="28" font-family="sans-serif" font-size="24" fill="#fff">Belfry</text></svg>'

/** The reference page and the OpenAPI document, made from the schemas that validate requests. */
export async function serveOpenApi(app: FastifyInstance, options: { version: string; publicUrl: () => string }) {
  for (const [$id, schema] of Object.entries(components)) app.addSchema({ ...schema, $id })
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
    // The sandbox and other neighbours are no part of the API.
    hideUntagged: true,
    refResolver: { buildLocalReference: (json) => String(json['$id']) },
    transformObject: (document) =>
      'openapiObject' in document ? tidied(document.openapiObject) : document.swaggerObject,
  })
  await app.register(fastifySwaggerUi, {
    routePrefix: '/docs',
    uiConfig: { validatorUrl: null, deepLinking: true },
    staticCSP: csp,
    theme: { title: 'Belfry API' },
    logo: { type: 'image/svg+xml', content: wordmark, href: '/' },
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => ({
    ...app.swagger(),
    servers: [{ url: options.publicUrl() }],
  }))
}

/** Array parameters say their style where OpenAPI looks for it; what only Belfry's own reader needs is left out. */
function tidied<Document extends object>(document: Document): Document {
  return JSON.parse(JSON.stringify(document), (key, value) => {
    if (key === 'description' && value === 'Default Response') return 'Done.'
    if (typeof value !== 'object' || value === null || value.in !== 'query') return value
    const { style, explode, freeText, ...schema } = value.schema
    return { ...value, ...(style && { style, explode }), schema }
  })
}
