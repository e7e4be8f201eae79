/** Who a handle belongs to. */
import type { Job, Tools } from '../platform.ts'
import { meaningOf, reasonOf } from './errors.ts'
import { hostOf, objectOf, textOf, xrpc } from './wire.ts'

/** `nobody`: the network says so. `later`: it could not be asked now. */
export type Owner = { kind: 'did'; did: string } | { kind: 'nobody' } | { kind: 'later'; reason: string }

/** How long one handle may take, in milliseconds: its server may have to ask the handle's own web site. */
const resolveMs = 10_000

export async function ownerOf(handle: string, job: Job, tools: Tools): Promise<Owner> {
  const answer = await xrpc(tools, hostOf(job.account.facts), 'com.atproto.identity.resolveHandle', {
    query: { handle },
    timeoutMs: resolveMs,
  })
  if (answer.kind === 'no answer') return { kind: 'later', reason: answer.reason }
  const did = answer.status === 200 ? textOf(objectOf(answer.body)['did']) : null
  if (did?.startsWith('did:')) return { kind: 'did', did }
  const meaning = meaningOf(answer)
  return meaning === 'unclear' || meaning === 'wait' ? { kind: 'later', reason: reasonOf(answer) } : { kind: 'nobody' }
}
