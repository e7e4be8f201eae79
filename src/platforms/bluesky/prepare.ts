/** Everything that must be there before the one write: images, quote, link card, and the record that names them. */
import type { JsonObject } from '../../model/platform.ts'
import type { Job, Outcome, Tools } from '../platform.ts'
import { textOfPost } from './limits.ts'
import type { Progress } from './progress.ts'
import { newTid } from './tid.ts'
import { postCollection } from './wire.ts'

export type Prepared = { kind: 'ready'; progress: Progress } | Outcome

export async function prepare(job: Job, stored: Progress, tools: Tools): Promise<Prepared> {
  const now = tools.clock.now()
  const createdAt = stored.createdAt ?? now.toISOString()
  const rkey = stored.rkey ?? job.mark?.key ?? newTid(now.getTime())
  const record: JsonObject = { $type: postCollection, text: textOfPost(job.content), createdAt }
  return { kind: 'ready', progress: { ...stored, rkey, createdAt, record } }
}
