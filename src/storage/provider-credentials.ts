import type { PlatformName } from '../model/platform.ts'
import type { ProviderCredentials } from '../model/project.ts'
import type { Db } from './database.ts'

interface CredentialsRow {
  platform: PlatformName
  kind: string
  client_id: string
  updated_at: Date
}

const credentialsColumns = 'platform, kind, client_id, updated_at'

function credentialsFromRow(row: CredentialsRow): ProviderCredentials {
  return { platform: row.platform, kind: row.kind, clientId: row.client_id, updatedAt: row.updated_at }
}

/** A project's app credentials, without the secrets. */
export async function listProviderCredentials(db: Db, projectId: string): Promise<ProviderCredentials[]> {
  const rows = await db.rows<CredentialsRow>(
    `select ${credentialsColumns} from provider_credentials where project_id = $1 order by platform, kind`,
    [projectId],
  )
  return rows.map(credentialsFromRow)
}

/** One platform's app credentials with the sealed secret (context `provider:<project>:<platform>`). */
export async function readProviderCredentials(
  db: Db,
  of: { projectId: string; platform: PlatformName; kind: string },
): Promise<{ credentials: ProviderCredentials; sealed: Buffer } | null> {
  const rows = await db.rows<CredentialsRow & { sealed: Buffer }>(
    `select ${credentialsColumns}, sealed from provider_credentials
     where project_id = $1 and platform = $2 and kind = $3`,
    [of.projectId, of.platform, of.kind],
  )
  return rows[0] ? { credentials: credentialsFromRow(rows[0]), sealed: rows[0].sealed } : null
}

export async function putProviderCredentials(
  tx: Db,
  put: { projectId: string; platform: PlatformName; kind: string; clientId: string; sealed: Buffer },
  now: Date | null,
): Promise<ProviderCredentials> {
  const rows = await tx.rows<CredentialsRow>(
    `insert into provider_credentials (project_id, platform, kind, client_id, sealed, updated_at)
     values ($1, $2, $3, $4, $5, coalesce($6, statement_timestamp()))
     on conflict (project_id, platform, kind) do update
       set client_id = excluded.client_id, sealed = excluded.sealed, updated_at = excluded.updated_at
     returning ${credentialsColumns}`,
    [put.projectId, put.platform, put.kind, put.clientId, put.sealed, now],
  )
  return credentialsFromRow(rows[0]!)
}

/** Deletes one kind, or every kind when `kind` is null; false when there was nothing. */
export async function deleteProviderCredentials(
  tx: Db,
  of: { projectId: string; platform: PlatformName; kind: string | null },
): Promise<boolean> {
  const rows = await tx.rows(
    `delete from provider_credentials where project_id = $1 and platform = $2 and ($3::text is null or kind = $3)
     returning kind`,
    [of.projectId, of.platform, of.kind],
  )
  return rows.length > 0
}
