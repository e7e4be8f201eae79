import type { TestContext } from 'node:test'
import fastify from 'fastify'
import { type Clock, createClock } from '../../src/runtime/clock.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { ReadyAccount } from '../../src/sandbox/emulator.ts'
import { createSandbox, type SandboxOptions } from '../../src/sandbox/sandbox.ts'

export interface Answer {
  status: number
  headers: Headers
  /** Parsed when it is JSON, else the text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  body: any
}

export interface Opened {
  url: string
  clock: Clock
  /** Any request; an object body is sent as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** An XRPC call to the accounts' PDS. */
  xrpc(method: string, nsid: string, body?: unknown, token?: string): Promise<Answer>
  account(username?: string): Promise<ReadyAccount>
  /** `putRecord` of a post with `swapRecord: null`, as the adapter writes. */
  put(account: ReadyAccount, rkey: string, record: object, more?: object): Promise<Answer>
  close(): Promise<void>
}

export const pds = '/bluesky/pds.belfry-sandbox.test'

/** A sandbox on a server of its own, on a free port; closed at the end of the test. */
export async function openSandbox(t: TestContext, options: Partial<SandboxOptions> = {}): Promise<Opened> {
  const clock = options.clock ?? createClock()
  const sandbox = await createSandbox({ clock, dataDir: null, log: silentLog(), movable: true, ...options })
  const app = fastify({ forceCloseConnections: true })
  await app.register(sandbox.plugin)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  let closed: Promise<void> | null = null
  const close = () => {
    closed ??= app.close().then(() => sandbox.close())
    return closed
  }
  t.after(close)
  const call: Opened['call'] = (method, path, body, headers) => send(url + path, method, body, headers)
  return {
    url,
    clock,
    call,
    close,
    xrpc: (method, nsid, body, token) =>
      call(method, `${pds}/xrpc/${nsid}`, body, token === undefined ? {} : { authorization: `Bearer ${token}` }),
    async account(username) {
      const { status, body } = await call('POST', '/sandbox/accounts', { platform: 'bluesky', username })
      if (status !== 201) throw new Error(JSON.stringify(body))
      return body as ReadyAccount
    },
    put: (account, rkey, record, more = {}) =>
      call(
        'POST',
        `${pds}/xrpc/com.atproto.repo.putRecord`,
        {
          repo: account.user_id,
          collection: 'app.bsky.feed.post',
          rkey,
          swapRecord: null,
          validate: true,
          record,
          ...more,
        },
        { authorization: `Bearer ${account.access_token}` },
      ),
  }
}

async function send(url: string, method: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const bytes = body instanceof Uint8Array ? Uint8Array.from(body) : null
  const isJson = body !== undefined && bytes === null
  const response = await fetch(url, {
    method,
    headers: { ...(isJson ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body === undefined ? {} : { body: bytes ?? JSON.stringify(body) }),
    redirect: 'manual',
  })
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json') === true
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text }
}

let rkeys = 0
/** A TID that no other call answered. */
export function newRkey(): string {
  rkeys += 1
  const alphabet = '234567abcdefghijklmnopqrstuvwxyz'
  let text = ''
  for (let rest = rkeys; text.length < 6; rest = Math.floor(rest / 32)) text = alphabet[rest % 32] + text
  return `3mabcde${text}`
}

export function post(text: string, more: object = {}): Record<string, unknown> {
  return { $type: 'app.bsky.feed.post', text, createdAt: '2026-11-24T10:00:00.000Z', ...more }
}

/** The smallest PNG, with a tail that makes each one different. */
export function png(tail = ''): Buffer {
  const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
  return Buffer.concat([Buffer.from(pixel, 'base64'), Buffer.from(tail)])
}
