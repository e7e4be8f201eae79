import type { JsonObject } from './platform.ts'

/** The compatible API's six events, then Belfry's own. */
export const eventTypes = [
  'social.post.created',
  'social.post.updated',
  'social.post.deleted',
  'social.post.result.created',
  'social.account.created',
  'social.account.updated',
  'social.post.processing',
  'social.post.delivery.unsure',
  'social.account.needs_reconnect',
] as const
export type EventType = (typeof eventTypes)[number]

/** A fact that others may follow, written in the transaction that causes it. */
export interface BelfryEvent {
  seq: number
  projectId: string
  type: EventType
  postId: string | null
  accountId: string | null
  deliveryId: string | null
  data: JsonObject
  createdAt: Date
}
