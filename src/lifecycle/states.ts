import type { DeliveryState } from '../model/delivery.ts'
import type { PostStatus } from '../model/post.ts'

/** Which status may follow which. Every write of a status names the statuses it may leave. */
export const postMoves = {
  /** Being written. Only its author moves it. */
  draft: ['scheduled', 'processing'],
  /** Waits for `scheduled_at`. The dispatcher moves it on; its author may change it or take it back. */
  scheduled: ['draft', 'processing'],
  /** Its deliveries are under way. Leaves when the last one settles; the rescuer frees stuck ones. */
  processing: ['processed'],
  /** Every delivery has settled. Final: a retry of one failed delivery does not reopen the post. */
  processed: [],
} as const satisfies Record<PostStatus, readonly PostStatus[]>

/** Statuses in which PUT and DELETE still work. */
export const editable = ['draft', 'scheduled'] as const satisfies readonly PostStatus[]

/** Which state of a delivery may follow which. */
export const deliveryMoves = {
  /** To be sent when it is ready and it is its account's turn. A worker takes it. */
  waiting: ['sending', 'failed'],
  /** A worker holds it under a lease. If the worker dies, the rescuer moves it on: unsure after the commit mark, else waiting. */
  sending: ['waiting', 'published', 'failed', 'unsure'],
  /** May be visible. Looked at, never sent blindly; waiting only when absence is proven. */
  unsure: ['published', 'failed', 'waiting'],
  /** Visible on the platform. Final. */
  published: [],
  /** Will not be sent by itself. A person may retry it; late proof may turn `outcome_unknown` into published. */
  failed: ['waiting', 'published'],
} as const satisfies Record<DeliveryState, readonly DeliveryState[]>
