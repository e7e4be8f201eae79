import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { BelfryError } from '../model/errors.ts'
import { monotonicMs } from '../runtime/clock.ts'
import { randomBase62 } from '../runtime/ids.ts'
import { later } from '../runtime/timer.ts'
import { requireKeys } from './auth.ts'
import { createWrites } from './idempotency.ts'
import { parseJson } from './json.ts'
import { serveOpenApi } from './openapi.ts'
import type { Parts } from './parts.ts'
import { errorHandler, notFoundHandler, problemOf } from './problems.ts'
import { parseQuery } from './query.ts'
import { limitRates } from './rate-limits.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { authUrlRoutes } from './routes/auth-url.ts'
import { healthRoutes } from './routes/health.ts'
import { indexPageRoutes } from './routes/index-page.ts'
import { projectRoutes } from './routes/project.ts'
import { providerCredentialRoutes } from './routes/provider-credentials.ts'
import { socialAccountRoutes } from './routes/social-accounts.ts'
import { socialPostResultRoutes } from './routes/social-post-results.ts'
import { socialPostRoutes } from './routes/social-posts.ts'
import { validatorCompiler } from './validate.ts'

/** Largest body, in bytes. */
const maxBodyBytes = 1_048_576
/** Id filters travel in one query string. */
const maxHeaderBytes = 131_072
/** How long running requests may take once the server stops, in milliseconds. */
const stopGraceMs = 10_000

/** The HTTP server, ready to listen. */
export async function buildServer(parts: Parts): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: maxBodyBytes,
    trustProxy: parts.trustProxy,
    // A request must have arrived within this time, its headers sooner; slow ones are answered 408.
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    http: { maxHeaderSize: maxHeaderBytes, headersTimeout: 20_000, connectionsCheckingInterval: 5_000 },
    // `stopping` answers in the API's own shape, with Retry-After.
    return503OnClosing: false,
    rewriteUrl: (request) => decodableUrl(request.url ?? '/'),
    genReqId: (request) => requestId(request.headers['x-request-id']),
    frameworkErrors: (error, _request, reply) => {
      const { status, headers, body } = problemOf(error, false)
      return (reply as FastifyReply).code(status).headers(headers).send(body)
    },
    routerOptions: {
      ignoreTrailingSlash: true,
      maxParamLength: maxHeaderBytes,
      querystringParser: (text) => parseQuery(text) as never,
    },
  })

  app.setValidatorCompiler(validatorCompiler)
  // Answers go out as they are: the schemas describe them and take nothing away.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  app.setErrorHandler(errorHandler(parts.log))
  app.setNotFoundHandler(notFoundHandler)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) =>
    parseJson(body),
  )
  app.decorateRequest('postId', null)
  app.decorateRequest('caller')

  watchRequests(app, parts)
  stopWell(app)
  guardHosts(app, parts.allowedHosts)

  const writes = createWrites(parts)
  app.addHook('onClose', () => writes.close())

  await serveOpenApi(app, parts)
  healthRoutes(app, parts)
  indexPageRoutes(app, { sandbox: parts.sandboxPlugin !== undefined })
  if (parts.sandboxPlugin) await app.register(parts.sandboxPlugin)
  if (parts.api === false) return app
  await app.register(
    async (v1) => {
      requireKeys(v1, parts)
      limitRates(v1, parts.rateLimit)
      // Answers can carry tokens and new keys.
      v1.addHook('onRequest', async (_request, reply) => {
        reply.header('cache-control', 'no-store')
      })
      // Neither body nor content type is an empty object too.
      v1.addHook('preValidation', async (request) => {
        request.body ??= {}
      })
      const api = { ...parts, writes }
      socialPostRoutes(v1, api)
      socialPostResultRoutes(v1, api)
      authUrlRoutes(v1, api)
      socialAccountRoutes(v1, api)
      projectRoutes(v1, api)
      apiKeyRoutes(v1, api)
      providerCredentialRoutes(v1, api)
    },
    { prefix: '/v1' },
  )
  return app
}

/** Every answer has the request's id; every request has one line in the log, without its query. */
function watchRequests(app: FastifyInstance, parts: Pick<Parts, 'log'>): void {
  const begun = new WeakMap<FastifyRequest, number>()
  app.addHook('onRequest', async (request, reply) => {
    begun.set(request, monotonicMs())
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff')
  })
  app.addHook('onResponse', async (request, reply) => {
    const { method, id, postId } = request
    const ms = Math.round((monotonicMs() - (begun.get(request) ?? monotonicMs())) * 10) / 10
    const route = request.routeOptions.url ?? 'none'
    const facts = { request_id: id, method, route, status: reply.statusCode, ms, ...(postId && { post_id: postId }) }
    // Probes, pages and the emulated platforms would drown the API's own lines.
    parts.log[route === 'none' || route.startsWith('/v1') ? 'info' : 'debug'](facts, 'request')
  })
}

/** While stopping, requests that run end and their connections with them; new ones are told to come back. */
function stopWell(app: FastifyInstance): void {
  let stopping = false
  let cancel = () => {}
  app.addHook('preClose', async () => {
    stopping = true
    // A client that sends slowly must not hold the stop up: a closing server no longer times requests out.
    cancel = later(stopGraceMs, () => app.server.closeAllConnections())
  })
  app.addHook('onClose', async () => cancel())
  app.addHook('onRequest', async () => {
    if (stopping) throw new BelfryError('stopping')
  })
  app.addHook('onSend', async (_request, reply) => {
    if (stopping) reply.header('connection', 'close')
  })
}

/** In development a web page must not reach this server through a name of its own (DNS rebinding) or as a third party. */
function guardHosts(app: FastifyInstance, allowed: readonly string[] | null): void {
  if (!allowed) return
  const isAllowed = (host: string) => allowed.includes(host) || allowed.includes(host.replace(/:\d+$/, ''))
  app.addHook('onRequest', async (request) => {
    const { host, origin } = request.headers
    const originHost = origin === undefined ? null : (URL.parse(origin)?.host ?? '')
    if (!host || !isAllowed(host) || (originHost !== null && !isAllowed(originHost))) {
      throw new BelfryError('foreign_origin')
    }
  })
}

/**
 * A path with a broken escape (`%ff`) is taken as it is written, so that it is an unknown id or route like any other
 * and passes the same checks.
 */
function decodableUrl(url: string): string {
  const end = url.indexOf('?')
  const path = end < 0 ? url : url.slice(0, end)
  try {
    decodeURIComponent(path)
    return url
  } catch {
    return path.replaceAll('%', '%25') + url.slice(path.length)
  }
}

function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,100}$/.test(given) ? given : `req_${randomBase62(20)}`
}
