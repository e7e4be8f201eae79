/** One attempt in a process of its own, so that it can be killed. Its order comes as JSON in the first argument. */
import type { PublishingAccount } from '../../src/model/delivery.ts'
import type { ResolvedContent } from '../../src/model/post.ts'
import { attempt, fileStore } from './attempt.ts'

export interface PublishOnce {
  pds: string
  relay?: string
  deliveryId: string
  account: PublishingAccount
  content: ResolvedContent
  /** The file that outlives the process. */
  storePath: string
  killAfterCommit: boolean
}

const order = JSON.parse(process.argv[2] ?? '') as PublishOnce
const outcome = await attempt({
  ...order,
  store: fileStore(order.storePath),
  ...(order.killAfterCommit ? { afterCommit: () => process.kill(process.pid, 'SIGKILL') } : {}),
})
process.stdout.write(JSON.stringify(outcome))
