import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Page {
  type: string
  body: string | Buffer
}

export interface Web {
  url: string
  /** Puts a page or an image at `path` and answers its address. */
  put(path: string, page: Page): string
  stop(): Promise<void>
}

/** What users link to: pages and images on loopback. */
export async function startWeb(): Promise<Web> {
  const pages = new Map<string, Page>()
  const { url, stop } = await serve((request, reply) => {
    const page = pages.get(request.url ?? '')
    if (page) reply.writeHead(200, { 'content-type': page.type }).end(page.body)
    else reply.writeHead(404).end()
  })
  return {
    url,
    put(path, page) {
      pages.set(path, page)
      return `${url}${path}`
    },
    stop,
  }
}

export interface Relay {
  url: string
  /** The method of every call that came in, in order. */
  calls: string[]
  stop(): Promise<void>
}

/** A call that stands between Belfry and the PDS. */
export interface Held {
  method: string
  /** Sends the call on to the PDS and answers the status it gave. */
  forward(): Promise<number>
}

/**
 * A relay in front of the PDS. `intercept` sees each call when all its bytes have arrived; when it answers true
 * it has dealt with the call, and the caller never gets a reply.
 */
export async function startRelay(target: () => string, intercept: (call: Held) => Promise<boolean>): Promise<Relay> {
  const calls: string[] = []
  const { url, stop } = await serve(async (request, reply) => {
    const method = (request.url ?? '').replace(/^\/xrpc\//, '').replace(/\?.*$/, '')
    calls.push(method)
    const body = await bodyOf(request)
    let answer = () => {}
    const forward = async () => {
      const { status, text, type } = await send(target(), request, body)
      answer = () => reply.writeHead(status, { 'content-type': type }).end(text)
      return status
    }
    if (await intercept({ method, forward })) return void reply.destroy()
    await forward()
    answer()
  })
  return { url, calls, stop }
}

async function send(target: string, request: IncomingMessage, body: Buffer) {
  const { authorization } = request.headers
  const reply = await fetch(`${target}${request.url}`, {
    method: request.method ?? 'GET',
    headers: {
      ...(request.headers['content-type'] ? { 'content-type': request.headers['content-type'] } : {}),
      ...(authorization ? { authorization } : {}),
    },
    ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
  })
  return {
    status: reply.status,
    text: Buffer.from(await reply.arrayBuffer()),
    type: reply.headers.get('content-type') ?? 'application/json',
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

async function serve(listener: RequestListener): Promise<{ url: string; stop(): Promise<void> }> {
  const server: Server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
