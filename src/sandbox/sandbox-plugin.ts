import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { ControlError } from './control-input.ts'
import { type Control, controlRoutes, showsKey } from './control-routes.ts'
import { type Pages, pageRoutes } from './page-routes.ts'
import { type Vendors, vendorRoutes } from './vendor-routes.ts'

export interface SandboxParts extends Control, Vendors, Pages {
  exposeKey?: string | null
}

/** All routes of the sandbox in a context of their own: nothing of it leaks into the server it is mounted on. */
export function sandboxPlugin(parts: SandboxParts): FastifyPluginAsync {
  return async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.setErrorHandler(answerError(parts))
    await app.register(async (steering: FastifyInstance) => {
      steering.addHook('onRequest', async (request, reply) => guard(request, reply, parts.exposeKey ?? null))
      controlRoutes(steering, parts)
      pageRoutes(steering, parts)
    })
    vendorRoutes(app, parts)
  }
}

/** Other web pages in the same browser may not steer the sandbox; with a key, nobody may without it. */
async function guard(request: FastifyRequest, reply: FastifyReply, key: string | null): Promise<void> {
  const { origin, host } = request.headers
  if (origin !== undefined && URL.parse(origin)?.host !== host) {
    throw new ControlError(`Requests from ${origin} are not taken here.`, 403)
  }
  if (key !== null && !showsKey(request, key)) {
    reply.header('www-authenticate', 'Basic realm="Belfry sandbox: any name, the API key as password"')
    throw new ControlError('This server is open to the network: give the API key as "Authorization: Bearer KEY".', 401)
  }
}

function answerError({ log }: SandboxParts) {
  return (error: FastifyError | ControlError, _request: FastifyRequest, reply: FastifyReply) => {
    const statusCode = error.statusCode ?? 500
    if (statusCode >= 500) log.error({ err: error }, 'the sandbox failed')
    return reply
      .code(statusCode)
      .send({ statusCode, message: statusCode >= 500 ? 'Internal server error' : error.message })
  }
}
