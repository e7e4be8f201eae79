import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface PdsAccount {
  handle: string
  did: string
  email: string
  password: string
  appPassword: string
}

export interface StoredRecord {
  uri: string
  cid: string
  value: PostRecord
}

/** What the tests read of an `app.bsky.feed.post` record. */
export interface PostRecord {
  text: string
  createdAt: string
  facets?: Facet[]
  embed?: Embed
  langs?: string[]
}

export interface Facet {
  index: { byteStart: number; byteEnd: number }
  features: { $type: string; uri?: string; did?: string; tag?: string }[]
}

export interface BlobRef {
  ref: { $link: string }
  mimeType: string
  size: number
}

export interface Embed {
  $type: string
  images?: { alt: string; image: BlobRef; aspectRatio?: { width: number; height: number } }[]
  external?: { uri: string; title: string; description: string; thumb?: BlobRef }
  /** A post's address and content, or an embed that holds them. */
  record?: object
  media?: { $type: string }
}

/** A running PDS with its accounts. Reads go straight to it, past Belfry. */
export interface RealPds {
  url: string
  jwtSecret: string
  serviceDid: string
  accounts: PdsAccount[]
  account(handle: string): PdsAccount
  /** Every post in the repository, newest first. */
  posts(did: string): Promise<StoredRecord[]>
  blob(did: string, cid: string): Promise<Buffer>
  /** Any procedure, for what Belfry does not do. */
  call(method: string, body: object | null, token: string | null): Promise<Record<string, unknown>>
  stop(): Promise<void>
}

/**
 * Starts `pds.mjs` under the Node that `run.ts` chose and waits until its accounts exist.
 * `publicUrl` is where the accounts say that they live, when that is not the PDS itself.
 */
export async function startPds(handles: string[] = [], publicUrl?: string): Promise<RealPds> {
  const node = process.env.REAL_PDS_NODE
  if (!node) throw new Error('Run this through "npm run test:real-pds".')
  const server = spawn(node, [join(import.meta.dirname, 'pds.mjs'), ...handles], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...(publicUrl ? { REAL_PDS_PUBLIC_URL: publicUrl } : {}) },
  })
  const ready = JSON.parse(await firstLine(server)) as Pick<RealPds, 'url' | 'jwtSecret' | 'serviceDid' | 'accounts'>
  const read = async (path: string) => {
    const reply = await fetch(`${ready.url}/xrpc/${path}`)
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
    return reply
  }
  return {
    ...ready,
    account(handle) {
      const account = ready.accounts.find((one) => one.handle === handle)
      if (!account) throw new Error(`No account ${handle}`)
      return account
    },
    async posts(did) {
      const reply = await read(`com.atproto.repo.listRecords?repo=${did}&collection=app.bsky.feed.post&limit=100`)
      return ((await reply.json()) as { records: StoredRecord[] }).records
    },
    async blob(did, cid) {
      const reply = await read(`com.atproto.sync.getBlob?did=${did}&cid=${cid}`)
      return Buffer.from(await reply.arrayBuffer())
    },
    async call(method, body, token) {
      const reply = await fetch(`${ready.url}/xrpc/${method}`, {
        method: 'POST',
        headers: {
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(token ? { authorization: `Bearer ${token}` } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const text = await reply.text()
      if (!reply.ok) throw new Error(`${method}: ${reply.status} ${text}`)
      return text ? (JSON.parse(text) as Record<string, unknown>) : {}
    },
    async stop() {
      server.stdin?.end()
      if (server.exitCode === null) await once(server, 'exit')
    },
  }
}

/** An access token as this PDS signs it, of an app password, that ran out `agoS` seconds ago. */
export function expiredToken(pds: RealPds, did: string, agoS = 60): string {
  const nowS = Math.floor(Date.now() / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const head = part({ typ: 'at+jwt', alg: 'HS256' })
  const claims = part({
    scope: 'com.atproto.appPass',
    aud: pds.serviceDid,
    sub: did,
    iat: nowS - agoS - 7200,
    exp: nowS - agoS,
  })
  const signature = createHmac('sha256', pds.jwtSecret).update(`${head}.${claims}`).digest('base64url')
  return `${head}.${claims}.${signature}`
}

async function firstLine(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error('The PDS has no output.')
  const lines = createInterface({ input: server.stdout })
  const ended = once(server, 'exit').then(([code]) => {
    throw new Error(`The PDS ended with ${code} before it was ready.`)
  })
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
  return line
}
