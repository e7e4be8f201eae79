/**
 * One write with a key of our own: repeating it is harmless, so a lost answer is settled by asking again.
 * Everything before it (images, link card, quote) is not visible to anyone.
 */
import type { JsonObject } from '../../model/platform.ts'
import { type Answer, outcomeOfSilence } from '../call.ts'
import type { Job, Outcome, Tools } from '../platform.ts'
import { meaningOf, outcomeOf, reasonOf, wordOf } from './errors.ts'
import { prepare } from './prepare.ts'
import { checkpointOf, type Progress, progressOf } from './progress.ts'
import { hostOf, objectOf, postCollection, strongRefOf, xrpc } from './wire.ts'

export async function publish(job: Job, tools: Tools): Promise<Outcome> {
  const stored = progressOf(job.checkpoint)
  const prepared = stored.record ? { kind: 'ready' as const, progress: stored } : await prepare(job, stored, tools)
  if (prepared.kind !== 'ready') return job.mark ? unlessThere(prepared, job, tools) : prepared
  const progress = prepared.progress as Written
  // An earlier attempt sent exactly this, and we do not know what became of it.
  const repeats = job.mark !== null
  if (!repeats || !stored.record)
    await tools.commit({ step: 1, flow: 'post', key: progress.rkey }, checkpointOf(progress))
  const answer = await write(job, progress, tools)
  const outcome = await learn(answer, job, progress, tools)
  if (outcome.kind === 'retry') await tools.checkpoint(checkpointOf(kept(answer, progress, repeats)))
  return outcome
}

/** What became of a write that cannot be repeated now; `otherwise` when it certainly never arrived. */
async function unlessThere(otherwise: Outcome, job: Job, tools: Tools): Promise<Outcome> {
  const found = await find(job, tools)
  return found === 'absent' ? otherwise : found
}

/** What the next try goes on from when this one certainly wrote nothing. */
function kept(answer: Answer, progress: Written, repeats: boolean): Progress {
  const { rkey, createdAt, images } = progress
  const lostImages = answer.kind === 'answer' && meaningOf(answer) === 'blobs'
  // After a repeat an earlier write may still be on its way: with the same key and time, only one can be visible.
  if (repeats) return lostImages ? { rkey, createdAt } : progress
  return lostImages ? {} : { images }
}

/** Progress once the record stands. */
type Written = Progress & Required<Pick<Progress, 'rkey' | 'createdAt' | 'record'>>

/** `swapRecord: null`: write only where nothing is. The same record there already is answered 200 like the first time. */
function write(job: Job, { rkey, record }: Written, tools: Tools): Promise<Answer> {
  const { userId, credentials, facts } = job.account
  const usesGallery = JSON.stringify(record).includes('app.bsky.embed.gallery')
  const json: JsonObject = { repo: userId, collection: postCollection, rkey, swapRecord: null, record }
  // Servers that do not know a type yet refuse it when they must validate.
  if (!usesGallery) json['validate'] = true
  return xrpc(tools, hostOf(facts), 'com.atproto.repo.putRecord', { json, bearer: credentials.accessToken })
}

async function learn(answer: Answer, job: Job, progress: Written, tools: Tools): Promise<Outcome> {
  if (answer.kind === 'no answer') return outcomeOfSilence(answer, true)
  if (answer.status === 200) {
    const written = strongRefOf(answer.body)
    if (written) return published(job, written.uri)
    return { kind: 'unsure', message: 'Bluesky answered 200 without saying what it wrote.' }
  }
  switch (meaningOf(answer)) {
    case 'blobs':
      // Unnamed images are thrown away there after a while.
      return { kind: 'retry', reason: `${reasonOf(answer)} The images are uploaded again.` }
    case 'swap':
      return ownOrForeign(job, progress, tools)
    default:
      return outcomeOf(answer, true, tools.clock.nowMs())
  }
}

/** Something else lies at our key: an earlier form of this post, or (nearly impossible) another program's post. */
async function ownOrForeign(job: Job, { rkey, createdAt }: Written, tools: Tools): Promise<Outcome> {
  const answer = await read(job, rkey, tools)
  if (answer.kind === 'no answer') return { kind: 'unsure', message: answer.reason }
  if (answer.status !== 200) return { kind: 'unsure', message: reasonOf(answer) }
  const there = objectOf(objectOf(answer.body)['value'])
  if (there['createdAt'] === createdAt) return published(job, uriOf(job, rkey))
  return {
    kind: 'refused',
    code: 'platform_refused',
    message: 'Another post lies at the key that was chosen for this one.',
  }
}

/** Read-only look at the key of a committed delivery. */
export async function find(job: Job, tools: Tools): Promise<Outcome | 'absent'> {
  const rkey = job.mark?.key ?? progressOf(job.checkpoint).rkey
  if (!rkey) return { kind: 'unsure', message: 'The key of this post is not known.' }
  const answer = await read(job, rkey, tools)
  if (answer.kind === 'no answer') return { kind: 'unsure', message: answer.reason }
  if (answer.status === 200) return published(job, uriOf(job, rkey))
  return wordOf(answer) === 'RecordNotFound' ? 'absent' : { kind: 'unsure', message: reasonOf(answer) }
}

/** Needs no login. At the account's own server: others lag behind. */
function read(job: Job, rkey: string, tools: Tools): Promise<Answer> {
  const { userId, facts } = job.account
  const query = { repo: userId, collection: postCollection, rkey }
  return xrpc(tools, hostOf(facts), 'com.atproto.repo.getRecord', { query })
}

function uriOf(job: Job, rkey: string): string {
  return `at://${job.account.userId}/${postCollection}/${rkey}`
}

/** By DID, so that the address outlives a change of handle. */
function published(job: Job, uri: string): Outcome {
  const rkey = uri.slice(uri.lastIndexOf('/') + 1)
  return { kind: 'published', id: uri, url: `https://bsky.app/profile/${job.account.userId}/post/${rkey}` }
}
