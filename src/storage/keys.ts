import type { ApiKey, Project, Scope } from '../model/project.ts'
import type { Db } from './database.ts'
import { type ProjectRow, projectFromRow } from './projects.ts'

interface KeyRow {
  id: string
  project_id: string
  hint: string
  label: string | null
  scopes: Scope[]
  account_ids: string[] | null
  reveal_tokens: boolean
  expires_at: Date | null
  revoked_at: Date | null
  created_at: Date
}

const keyColumns = `k.id, k.project_id, k.hint, k.label, k.scopes, k.account_ids, k.reveal_tokens, k.expires_at,
  k.revoked_at, k.created_at`

function keyFromRow(row: KeyRow): ApiKey {
  return {
    id: row.id,
    projectId: row.project_id,
    hint: row.hint,
    label: row.label,
    scopes: row.scopes,
    accountIds: row.account_ids,
    revealTokens: row.reveal_tokens,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    createdAt: row.created_at,
  }
}

export interface NewKey {
  id: string
  projectId: string
  /** Of security/api-keys.ts makeApiKey; the key itself is never stored. */
  hash: Buffer
  hint: string
  label: string | null
  scopes: readonly Scope[]
  /** The only accounts it may see and post to; null: all. */
  accountIds: readonly string[] | null
  revealTokens: boolean
  expiresAt: Date | null
}

export async function createKey(tx: Db, key: NewKey, now: Date | null): Promise<ApiKey> {
  const rows = await tx.rows<KeyRow>(
    `insert into api_keys as k (id, project_id, hash, hint, label, scopes, account_ids, reveal_tokens, expires_at,
       created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, statement_timestamp()))
     returning ${keyColumns}`,
    [
      key.id,
      key.projectId,
      key.hash,
      key.hint,
      key.label,
      key.scopes,
      key.accountIds,
      key.revealTokens,
      key.expiresAt,
      now,
    ],
  )
  return keyFromRow(rows[0]!)
}

/** The key with this hash, if it is neither revoked nor expired, and its project: one indexed read. */
export async function findKey(
  db: Db,
  hash: Buffer,
  now: Date | null,
): Promise<{ key: ApiKey; project: Project } | null> {
  const rows = await db.rows<KeyRow & { project: Omit<ProjectRow, 'created_at'>; project_created_at: Date }>(
    `select ${keyColumns}, p.created_at as project_created_at,
       json_build_object('id', p.id, 'name', p.name, 'return_url', p.return_url, 'overflow', p.overflow,
         'retry_deadline_s', p.retry_deadline_s) as project
     from api_keys k join projects p on p.id = k.project_id
     where k.hash = $1 and k.revoked_at is null
       and (k.expires_at is null or k.expires_at > coalesce($2, statement_timestamp()))`,
    [hash, now],
  )
  const row = rows[0]
  if (!row) return null
  return { key: keyFromRow(row), project: projectFromRow({ ...row.project, created_at: row.project_created_at }) }
}

/** A project's keys, revoked ones too, newest first. */
export async function listKeys(
  db: Db,
  projectId: string,
  page: { limit: number; offset: number },
): Promise<{ keys: ApiKey[]; total: number }> {
  const rows = await db.rows<KeyRow>(
    `select ${keyColumns} from api_keys k where k.project_id = $1
     order by k.created_at desc, k.id desc limit $2 offset $3`,
    [projectId, page.limit, page.offset],
  )
  const totals = await db.rows<{ total: number }>('select count(*) as total from api_keys where project_id = $1', [
    projectId,
  ])
  return { keys: rows.map(keyFromRow), total: totals[0]!.total }
}

/** Revokes a key at once; false if the project has no such key. Revoking twice keeps the first time. */
export async function revokeKey(tx: Db, projectId: string, id: string, now: Date | null): Promise<boolean> {
  const rows = await tx.rows(
    `update api_keys set revoked_at = coalesce(revoked_at, $3, statement_timestamp())
     where id = $1 and project_id = $2 returning id`,
    [id, projectId, now],
  )
  return rows.length === 1
}
