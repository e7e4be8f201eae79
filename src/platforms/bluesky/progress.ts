/** What a delivery has done so far, as its checkpoint. */
import type { Checkpoint } from '../../model/delivery.ts'
import type { JsonObject } from '../../model/platform.ts'
import type { BlobRef } from './wire.ts'

/** An image that the repository holds. Thrown away there when no record names it within an hour or so. */
export interface UploadedImage extends JsonObject {
  blob: BlobRef
  width: number
  height: number
}

export interface Progress {
  /** Uploaded images in the order of the media, from the first on. */
  images?: UploadedImage[]
  /** Our own key of the post. */
  rkey?: string
  /** RFC 3339 with milliseconds. */
  createdAt?: string
  /** The record exactly as it is sent. */
  record?: JsonObject
}

export function progressOf(checkpoint: Checkpoint | null): Progress {
  return (checkpoint ?? {}) as Progress
}

export function checkpointOf(progress: Progress): Checkpoint {
  return Object.fromEntries(Object.entries(progress).filter(([, value]) => value !== undefined)) as Checkpoint
}
