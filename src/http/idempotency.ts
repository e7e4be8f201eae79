/** Repeats of a write: answered from what the first try stored, never done twice (architecture, Repeats of a request). */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { BelfryError } from '../model/errors.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import type { Vault } from '../security/vault.ts'
import { type Database, type Db, isAway } from '../storage/database.ts'
import {
  beginTry,
  deleteExpiredAnswer,
  findKeyedAnswer,
  insertAnswer,
  lockRequest,
  type StoredAnswer,
  takeLostAnswer,
  undoTry,
} from '../storage/requests.ts'
import { clientLeft, createDelivered } from './delivered.ts'
import { problemOf } from './problems.ts'

/** What a write answers. */
export interface Answer {
  status: number
  body: unknown
  headers?: Record<string, string>
  /** Runs once the transaction is committed; it cannot fail the request. */
  afterCommit?: () => void
}

export interface Write<Prepared> {
  /** Before the transaction and not for repeats: what must not run inside one, such as asking a platform. */
  prepare?: () => Promise<Prepared>
  /** All that the write does, in one transaction. It may run again after a deadlock. */
  work: (tx: Db, prepared: Prepared) => Promise<Answer>
}

export interface Writes {
  /** Does a write at most once, commits, then answers. Everything that can fail does so before the commit. */
  run<Prepared = undefined>(request: FastifyRequest, reply: FastifyReply, write: Write<Prepared>): Promise<FastifyReply>
  close(): Promise<void>
}

/** How a request may be repeated. */
interface Marks {
  idempotencyKey: string | null
  retryCount: number
  hash: Buffer
  fingerprint: Buffer
}

/** An answer as it goes out. */
interface Rendered {
  status: number
  headers: Record<string, string>
  body: string
  /** Its row, to be forgotten once delivered; null: kept, or never stored. */
  rowId: number | null
  afterCommit?: (() => void) | undefined
}

const context = 'request'

export function createWrites(parts: { db: Database; clock: Clock; log: Logger; vault: Vault }): Writes {
  const { db, clock, log, vault } = parts
  const delivered = createDelivered(db, log)

  async function run<Prepared>(request: FastifyRequest, reply: FastifyReply, write: Write<Prepared>) {
    const marks = marksOf(request)
    const known = marks && write.prepare ? await db.transaction((tx) => lookUp(tx, marks)) : null
    const rendered = known ?? (await perform(request, reply, write, marks))
    return send(request, reply, rendered)
  }

  async function perform<Prepared>(
    request: FastifyRequest,
    reply: FastifyReply,
    write: Write<Prepared>,
    marks: Marks | null,
  ): Promise<Rendered> {
    // Only a write without `prepare` is typed to take undefined.
    const prepared = (await write.prepare?.()) as Prepared
    let worked = false
    try {
      return await db.transaction(async (tx) => {
        worked = false
        const known = marks && (await lookUp(tx, marks))
        if (known) return known
        if (marks && marks.idempotencyKey === null && clientLeft(request, reply)) throw new BelfryError('client_left')
        const rendered = await attempt(tx, request, marks, (inner) => write.work(inner, prepared))
        worked = true
        return rendered
      })
    } catch (error) {
      if (!worked || !isAway(error)) throw error
      // The connection broke while committing: it may or may not have happened. A key makes asking again harmless.
      log.error({ err: error, request_id: request.id }, 'it is not known whether a write was committed')
      reply.header('x-should-retry', marks?.idempotencyKey ? 'true' : 'false')
      throw new BelfryError('internal')
    }
  }

  /** Waits for a running try of the same request, then answers what is stored for it; null: it is to be done. */
  async function lookUp(tx: Db, marks: Marks): Promise<Rendered | null> {
    const now = clock.dbNow()
    await lockRequest(tx, marks.hash)
    if (marks.idempotencyKey !== null) {
      const stored = await findKeyedAnswer(tx, marks.hash, now)
      if (stored && !stored.fingerprint.equals(marks.fingerprint)) throw new BelfryError('idempotency_mismatch')
      return stored && opened(stored, null)
    }
    if (marks.retryCount < 1) return null
    const lost = { hash: marks.hash, retryCount: marks.retryCount, delivered: delivered.ids() }
    const stored = await takeLostAnswer(tx, lost, now)
    return stored && opened(stored, stored.id)
  }

  function opened(stored: StoredAnswer, rowId: number | null): Rendered {
    const body = vault.open(Buffer.from(stored.body, 'base64'), context)
    return { status: stored.status, headers: { ...stored.headers, 'x-repeated': 'true' }, body, rowId }
  }

  async function attempt(
    tx: Db,
    request: FastifyRequest,
    marks: Marks | null,
    work: (tx: Db) => Promise<Answer>,
  ): Promise<Rendered> {
    if (!marks) return render(await work(tx))
    const keyed = marks.idempotencyKey !== null
    const rendered = keyed ? await workOrRefusal(tx, request, work) : render(await work(tx))
    if (keyed) await deleteExpiredAnswer(tx, marks.hash)
    const body = vault.seal(rendered.body, context).toString('base64')
    const { status, headers } = rendered
    const rowId = await insertAnswer(tx, { ...marks, status, headers, body }, clock.dbNow())
    return { ...rendered, rowId: keyed ? null : rowId }
  }

  /** With a key a refusal is an answer too: the repeat gets the same one. What the work had written is undone. */
  async function workOrRefusal(tx: Db, request: FastifyRequest, work: (tx: Db) => Promise<Answer>): Promise<Rendered> {
    await beginTry(tx)
    try {
      return render(await work(tx))
    } catch (error) {
      if (!(error instanceof BelfryError) || error.statusCode >= 500) throw error
      await undoTry(tx)
      const problem = problemOf(error, request.routeOptions.config.postProblems === true)
      return render(problem)
    }
  }

  function send(request: FastifyRequest, reply: FastifyReply, rendered: Rendered): FastifyReply {
    try {
      rendered.afterCommit?.()
    } catch (error) {
      log.error({ err: error, request_id: request.id }, 'a wake-up after a commit failed; the sweep will find the work')
    }
    if (rendered.rowId !== null) delivered.whenFlushed(request, reply, rendered.rowId)
    return reply
      .code(rendered.status)
      .headers(rendered.headers)
      .type('application/json; charset=utf-8')
      .send(rendered.body)
  }

  return { run, close: () => delivered.close() }
}

function render(answer: Answer): Rendered {
  const { status, headers = {}, body, afterCommit } = answer
  return { status, headers, body: JSON.stringify(body), rowId: null, afterCommit }
}

/** Null for a request that no one marked as repeatable. */
function marksOf(request: FastifyRequest): Marks | null {
  const idempotencyKey = one(request.headers['idempotency-key'])
  const count = one(request.headers['x-stainless-retry-count'])
  if (idempotencyKey === null && count === null) return null
  if (idempotencyKey !== null && idempotencyKey.length > 255) {
    throw new BelfryError('invalid_request', 'Idempotency-Key must have at most 255 characters.')
  }
  const path = request.raw.url!.split('?')[0]!.replace(/\/+$/, '')
  const scope = [request.caller.key.id, request.method, path]
  const fingerprint = digest([request.headers['if-match'] ?? '', canonical(request.body ?? {})])
  const hash =
    idempotencyKey === null
      ? digest(['repeat', ...scope, fingerprint.toString('hex')])
      : digest(['key', ...scope, idempotencyKey])
  return { idempotencyKey, retryCount: /^\d{1,6}$/.test(count ?? '') ? Number(count) : 0, hash, fingerprint }
}

function one(header: string | string[] | undefined): string | null {
  const value = Array.isArray(header) ? header[0] : header
  return value === undefined || value.trim() === '' ? null : value.trim()
}

function digest(parts: string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest()
}

/** JSON with sorted keys: the same body written in another order is the same body. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`
}
