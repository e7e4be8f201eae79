import type { HeldDelivery } from '../model/delivery.ts'

/** What a statement that takes a lease answers: `d` deliveries, `p` posts, `a` accounts, `r` projects. */
export const heldColumns = `d.id, d.post_id, d.project_id, d.platform, d.fence, d.state, d.tries, d.looks, d.alone,
  d.due_at, d.deadline_at, d.begun_at, d.mark, d.checkpoint, p.caption, p.media, p.platform_configurations,
  p.account_configurations, r.overflow, a.id as account_id, a.user_id, a.username, a.facts, a.origin, a.needs_reconnect,
  a.access_token_expires_at, a.sealed`

export interface HeldRow {
  id: string
  post_id: string
  project_id: string
  platform: HeldDelivery['platform']
  fence: number
  state: HeldDelivery['state']
  tries: number
  looks: number
  alone: boolean
  due_at: Date
  deadline_at: Date
  begun_at: Date
  mark: HeldDelivery['mark']
  checkpoint: HeldDelivery['checkpoint']
  caption: string
  media: HeldDelivery['content']['media']
  platform_configurations: HeldDelivery['content']['platformConfigurations']
  account_configurations: HeldDelivery['content']['accountConfigurations']
  overflow: HeldDelivery['overflow']
  account_id: string
  user_id: string
  username: string | null
  facts: HeldDelivery['account']['facts']
  origin: string
  needs_reconnect: string | null
  access_token_expires_at: Date
  sealed: Buffer | null
}

export function heldFromRow(row: HeldRow): HeldDelivery {
  return {
    id: row.id,
    postId: row.post_id,
    projectId: row.project_id,
    platform: row.platform,
    fence: row.fence,
    state: row.state,
    tries: row.tries,
    looks: row.looks,
    alone: row.alone,
    dueAt: row.due_at,
    deadlineAt: row.deadline_at,
    begunAt: row.begun_at,
    mark: row.mark,
    checkpoint: row.checkpoint,
    content: {
      caption: row.caption,
      media: row.media,
      platformConfigurations: row.platform_configurations,
      accountConfigurations: row.account_configurations,
    },
    overflow: row.overflow,
    account: {
      id: row.account_id,
      userId: row.user_id,
      username: row.username,
      facts: row.facts,
      origin: row.origin,
      connected: row.sealed !== null,
      needsReconnect: row.needs_reconnect,
      accessTokenExpiresAt: row.access_token_expires_at,
      sealedCredentials: row.sealed,
    },
  }
}
