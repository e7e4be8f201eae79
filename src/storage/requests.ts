import type { Db } from './database.ts'

/** An answer that a repeat of its request gets instead of being done again. */
export interface StoredAnswer {
  id: number
  /** Of the body: the same idempotency key with another body is a mistake. */
  fingerprint: Buffer
  status: number
  headers: Record<string, string>
  /** Sealed JSON (context `request`), base64: answers can carry tokens and new API keys. */
  body: string
}

const answerColumns = 'id, fingerprint, status, headers, body'

/** How long an answer with an idempotency key is kept, and how long a lost one can be asked for again. */
export const keptAnswerHours = 24
export const foldableMinutes = 5

/**
 * Waits until no other transaction works on the same request, at most 15 s (then PostgreSQL's 55P03); ends with the
 * transaction. The limit stays in force for the transaction's other locks.
 */
export async function lockRequest(tx: Db, hash: Buffer): Promise<void> {
  // One round trip: a select list is worked off from left to right.
  await tx.rows(`select set_config('lock_timeout', '15s', true), pg_advisory_xact_lock($1::bigint)`, [
    hash.readBigInt64BE(0).toString(),
  ])
}

/** The answer of an earlier request with the same idempotency key, from the last 24 hours. */
export async function findKeyedAnswer(tx: Db, hash: Buffer, now: Date | null): Promise<StoredAnswer | null> {
  const rows = await tx.rows<StoredAnswer>(
    `select ${answerColumns} from requests
     where hash = $1 and idempotency_key is not null
       and created_at > coalesce($2, statement_timestamp()) - make_interval(hours => ${keptAnswerHours})`,
    [hash, now],
  )
  return rows[0] ?? null
}

/**
 * Takes over the answer of an earlier try of the same request (a lower retry count, younger than 5 minutes) that was
 * not fully delivered; null if there is none. It now belongs to this try: another client's repeat of an equal
 * request finds its own.
 * @param delivered rows whose answer is known to be delivered and that are about to be deleted
 */
export async function takeLostAnswer(
  tx: Db,
  lost: { hash: Buffer; retryCount: number; delivered: readonly number[] },
  now: Date | null,
): Promise<StoredAnswer | null> {
  const rows = await tx.rows<StoredAnswer>(
    `update requests set retry_count = $2
     where id = (
       select id from requests
       where hash = $1 and idempotency_key is null and retry_count < $2 and id <> all($3::bigint[])
         and created_at > coalesce($4, statement_timestamp()) - make_interval(mins => ${foldableMinutes})
       order by id limit 1)
     returning ${answerColumns}`,
    [lost.hash, lost.retryCount, lost.delivered, now],
  )
  return rows[0] ?? null
}

export async function insertAnswer(
  tx: Db,
  answer: {
    hash: Buffer
    idempotencyKey: string | null
    fingerprint: Buffer
    retryCount: number
    status: number
    headers: Record<string, string>
    body: string
  },
  now: Date | null,
): Promise<number> {
  const rows = await tx.rows<{ id: number }>(
    `insert into requests (hash, idempotency_key, fingerprint, retry_count, status, headers, body, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, coalesce($8, statement_timestamp())) returning id`,
    [
      answer.hash,
      answer.idempotencyKey,
      answer.fingerprint,
      answer.retryCount,
      answer.status,
      JSON.stringify(answer.headers),
      answer.body,
      now,
    ],
  )
  return rows[0]!.id
}

/** An expired answer under the same key makes room for a new one. */
export async function deleteExpiredAnswer(tx: Db, hash: Buffer): Promise<void> {
  await tx.rows('delete from requests where hash = $1 and idempotency_key is not null', [hash])
}

/** Forgets answers that were delivered. */
export async function deleteAnswers(db: Db, ids: readonly number[]): Promise<void> {
  await db.rows('delete from requests where id = any($1::bigint[])', [ids])
}

export async function beginTry(tx: Db): Promise<void> {
  await tx.rows('savepoint try')
}

/** Undoes what the try wrote; the transaction goes on. */
export async function undoTry(tx: Db): Promise<void> {
  await tx.rows('rollback to savepoint try')
}
