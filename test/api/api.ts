/** A real server on a free port over a real database, with a key, for the tests of the API. */
import { randomBytes } from 'node:crypto'
import { after } from 'node:test'
import PostForMe from 'post-for-me'
import type { Parts } from '../../src/http/parts.ts'
import { buildServer } from '../../src/http/server.ts'
import { type Scope, scopes } from '../../src/model/project.ts'
import { type Clock, createClock } from '../../src/runtime/clock.ts'
import { newId } from '../../src/runtime/ids.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { makeApiKey } from '../../src/security/api-keys.ts'
import { createVault } from '../../src/security/vault.ts'
import type { Database } from '../../src/storage/database.ts'
import { createKey } from '../../src/storage/keys.ts'
import { insertProject } from '../../src/storage/projects.ts'
import { createTestDatabase } from '../fixtures/database.ts'

/** A body, or an answer, as it is on the wire. */
// biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
export type Wire = any

export interface Reply {
  status: number
  headers: Headers
  body: Wire
  text: string
}

export interface CallOptions {
  body?: unknown
  headers?: Record<string, string>
  /** Another key; null: none. */
  key?: string | null
}

export interface Api {
  url: string
  key: string
  projectId: string
  db: Database
  clock: Clock
  parts: Parts
  /** Every `wake.posts` so far. */
  wakes: (Date | null)[]
  call(method: string, path: string, options?: CallOptions): Promise<Reply>
  client(key?: string): PostForMe
  newKey(order?: KeyOrder): Promise<{ id: string; key: string; projectId: string }>
  /** Connects an account; answers its id. */
  account(platform?: string, more?: object, key?: string): Promise<string>
  /** Ends the server before the tests do. */
  stop(): Promise<void>
}

export interface KeyOrder {
  projectId?: string
  scopes?: readonly Scope[]
  accountIds?: string[] | null
  revealTokens?: boolean
  expiresAt?: Date | null
}

/** @param change parts that the test replaces; `database`: one that other servers of the test share */
export async function startApi(change: Partial<Parts> = {}, database?: Database): Promise<Api> {
  const db = database ?? (await testDatabase())
  const clock = createClock()
  const wakes: (Date | null)[] = []
  let url = ''
  const parts: Parts = {
    db,
    clock,
    log: silentLog(),
    vault: createVault({ current: randomBytes(32), previous: null }),
    publicUrl: () => url,
    wake: { posts: (at) => void wakes.push(at) },
    platform: () => null,
    connect: async () => ({ kind: 'connected', verified: false, username: null, profilePhotoUrl: null, facts: {} }),
    originLabel: () => 'sandbox',
    rateLimit: null,
    trustProxy: false,
    allowedHosts: null,
    health: { ready: async () => ({ ok: true }) },
    allowPrivateNetwork: false,
    version: '0.0.0',
    ...change,
  }
  const server = await buildServer(parts)
  url = await server.listen({ host: '127.0.0.1', port: 0 })
  const stop = async () => {
    await server.close()
  }
  after(stop)

  const projectId = await newProject(db, clock)
  const first = await newKey()

  async function newKey(order: KeyOrder = {}) {
    const made = makeApiKey()
    const id = newId('key', clock.nowMs())
    const project = order.projectId ?? projectId
    const { scopes: may = scopes, accountIds = null, revealTokens = false, expiresAt = null } = order
    await createKey(
      db,
      { id, projectId: project, ...made, label: null, scopes: may, accountIds, revealTokens, expiresAt },
      null,
    )
    return { id, key: made.key, projectId: project }
  }

  async function call(method: string, path: string, options: CallOptions = {}): Promise<Reply> {
    const { body, headers, key = first.key } = options
    const reply = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await reply.text()
    const isJson = reply.headers.get('content-type')?.startsWith('application/json')
    return { status: reply.status, headers: reply.headers, text, body: isJson && text !== '' ? JSON.parse(text) : null }
  }

  return {
    url,
    key: first.key,
    projectId,
    db,
    clock,
    parts,
    wakes,
    call,
    newKey,
    stop,
    client: (key = first.key) => new PostForMe({ apiKey: key, baseURL: url }),
    async account(platform = 'bluesky', more = {}, key = first.key) {
      const reply = await call('POST', '/v1/social-accounts', { body: { ...login(platform), ...more }, key })
      if (reply.status !== 201) throw new Error(reply.text)
      return reply.body.id
    },
  }
}

/** What connects a new account of a platform. */
export function login(platform = 'bluesky') {
  return {
    platform,
    user_id: `did:plc:${randomBytes(8).toString('hex')}`,
    access_token: `token-${randomBytes(8).toString('hex')}`,
    access_token_expires_at: '2030-01-01T00:00:00.000Z',
  }
}

export async function newProject(db: Database, clock: Clock): Promise<string> {
  const id = newId('proj', clock.nowMs())
  await insertProject(db, { id, name: id }, null)
  return id
}

export async function testDatabase(): Promise<Database> {
  const { db, drop } = await createTestDatabase()
  after(drop)
  return db
}
