import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface Served {
  url: string
  port: number
  close(): Promise<void>
}

/** A real HTTP server on loopback, gone at the end of the test. */
export async function serve(t: Pick<TestContext, 'after'>, listener: RequestListener): Promise<Served> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  let closed: Promise<void> | null = null
  const close = () => {
    closed ??= new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    return closed
  }
  t.after(close)
  return { url: `http://127.0.0.1:${port}`, port, close }
}

export interface Web extends Served {
  /** Puts something at `path` and answers its address. */
  put(path: string, type: string, body: string | Buffer, status?: number): string
}

/** What users link to: pages and images. */
export async function startWeb(t: Pick<TestContext, 'after'>): Promise<Web> {
  const pages = new Map<string, { type: string; body: string | Buffer; status: number }>()
  const served = await serve(t, (request, reply) => {
    const page = pages.get(request.url ?? '')
    if (page) reply.writeHead(page.status, headersOf(page)).end(page.body)
    else reply.writeHead(404).end()
  })
  return {
    ...served,
    put(path, type, body, status = 200) {
      pages.set(path, { type, body, status })
      return `${served.url}${path}`
    },
  }
}

function headersOf({ type, body }: { type: string; body: string | Buffer }): Record<string, string | number> {
  return { 'content-type': type, 'content-length': Buffer.byteLength(body) }
}
