import type { Project } from '../model/project.ts'
import type { Db } from './database.ts'

export interface ProjectRow {
  id: string
  name: string
  return_url: string | null
  overflow: Project['overflow']
  retry_deadline_s: number
  created_at: Date
}

const projectColumns = 'id, name, return_url, overflow, retry_deadline_s, created_at'

export function projectFromRow(row: ProjectRow): Project {
  return {
    id: row.id,
    name: row.name,
    returnUrl: row.return_url,
    overflow: row.overflow,
    retryDeadlineS: row.retry_deadline_s,
    createdAt: row.created_at,
  }
}

/** Creates a project; null when the name is taken. */
export async function insertProject(
  tx: Db,
  project: { id: string; name: string },
  now: Date | null,
): Promise<Project | null> {
  const rows = await tx.rows<ProjectRow>(
    `insert into projects (id, name, created_at) values ($1, $2, coalesce($3, statement_timestamp()))
     on conflict (name) do nothing returning ${projectColumns}`,
    [project.id, project.name, now],
  )
  return rows[0] ? projectFromRow(rows[0]) : null
}

export async function readProjectByName(db: Db, name: string): Promise<Project | null> {
  const rows = await db.rows<ProjectRow>(`select ${projectColumns} from projects where name = $1`, [name])
  return rows[0] ? projectFromRow(rows[0]) : null
}

/** Every project, oldest first. */
export async function listProjects(db: Db): Promise<Project[]> {
  const rows = await db.rows<ProjectRow>(`select ${projectColumns} from projects order by created_at, id`)
  return rows.map(projectFromRow)
}

export interface ProjectChange {
  name?: string
  returnUrl?: string | null
  overflow?: Project['overflow']
  retryDeadlineS?: number
}

/** Changes what is given; null when another project has the new name. */
export async function updateProject(tx: Db, id: string, change: ProjectChange): Promise<Project | null> {
  const rows = await tx.rows<ProjectRow>(
    `update projects set name = coalesce($2, name), return_url = case when $3 then $4 else return_url end,
       overflow = coalesce($5, overflow), retry_deadline_s = coalesce($6, retry_deadline_s)
     where id = $1 and not exists (select 1 from projects other where other.name = $2 and other.id <> $1)
     returning ${projectColumns}`,
    [
      id,
      change.name ?? null,
      change.returnUrl !== undefined,
      change.returnUrl ?? null,
      change.overflow ?? null,
      change.retryDeadlineS ?? null,
    ],
  )
  return rows[0] ? projectFromRow(rows[0]) : null
}
