import fastify, { type FastifyRequest } from 'fastify'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { ControlError } from './control-input.ts'
import { createSandbox, type Sandbox } from './sandbox.ts'

export interface SandboxServerOptions {
  /** @default '127.0.0.1' */
  host?: string
  /** 0: any free port. */
  port: number
  dataDir: string | null
  log: Logger
  clock: Clock
}

export interface SandboxServer {
  /** Root of everything: control calls at `{url}/sandbox/…`, `https://H/P` of a platform at `{url}/{platform}/H/P`. */
  url: string
  sandbox: Sandbox
  close(): Promise<void>
}

/** The emulators alone, on their own port, with a clock that cannot be moved. */
export async function startSandboxServer(options: SandboxServerOptions): Promise<SandboxServer> {
  const { host = '127.0.0.1', port, dataDir, log, clock } = options
  const sandbox = await createSandbox({ clock, dataDir, log, movable: false })
  const app = fastify({ logger: false, forceCloseConnections: true })
  if (isLoopback(host)) app.addHook('onRequest', async (request) => refuseForeignHost(request))
  app.get('/', (_request, reply) => reply.redirect('/sandbox/'))
  await app.register(sandbox.plugin)
  try {
    const url = await app.listen({ host, port })
    return {
      url,
      sandbox,
      async close() {
        await app.close()
        await sandbox.close()
      },
    }
  } catch (error) {
    await sandbox.close()
    throw error
  }
}

/** A name that resolves to loopback must not let a web page in (DNS rebinding). */
async function refuseForeignHost(request: FastifyRequest): Promise<void> {
  if (!isLoopback(request.hostname)) {
    throw new ControlError(`This server answers only on its own address, not as ${request.hostname}.`, 403)
  }
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host)
}
