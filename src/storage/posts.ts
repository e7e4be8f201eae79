import type { Post, PostStatus } from '../model/post.ts'

/** The columns that `postFromRow` reads; for the select list of every statement that answers posts. */
export const postColumns = `id, project_id, status, version, external_id, caption, media, platform_configurations,
  account_configurations, scheduled_at, open_deliveries, created_at, updated_at`

export interface PostRow {
  id: string
  project_id: string
  status: PostStatus
  version: number
  external_id: string | null
  caption: string
  media: Post['media']
  platform_configurations: Post['platformConfigurations']
  account_configurations: Post['accountConfigurations']
  scheduled_at: Date | null
  open_deliveries: number
  created_at: Date
  updated_at: Date
}

export function postFromRow(row: PostRow): Post {
  return {
    id: row.id,
    projectId: row.project_id,
    status: row.status,
    version: row.version,
    externalId: row.external_id,
    caption: row.caption,
    media: row.media,
    platformConfigurations: row.platform_configurations,
    accountConfigurations: row.account_configurations,
    scheduledAt: row.scheduled_at,
    openDeliveries: row.open_deliveries,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
