/** The card under a link. The network does not read pages itself; whatever fails here costs the card, never the post. */
import { readImageHeader } from '../../content/image-header.ts'
import { type PageSummary, readPage } from '../../content/page-summary.ts'
import type { JsonObject } from '../../model/platform.ts'
import { OutboundError, type OutboundReply, type OutboundRequest } from '../../security/outbound.ts'
import type { Job, Outcome, Tools } from '../platform.ts'
import { uploadImage } from './images.ts'
import type { BlobRef } from './wire.ts'

/** What is read of a page: its head lies in the first part, however long the rest. */
const pageBytes = 524_288
const fetchMs = 5_000
/** Largest picture of a card, in bytes (lexicon `app.bsky.embed.external`, read 2026-11-24). */
const thumbBytes = 1_000_000

/** The embed for a link, null when its page tells nothing. An outcome only when the login has to be renewed first. */
export async function linkCard(
  uri: string,
  job: Job,
  tools: Tools,
): Promise<{ kind: 'card'; embed: JsonObject | null } | Outcome> {
  const page = await pageAt(uri, tools)
  if (!page) return { kind: 'card', embed: null }
  const thumb = await thumbOf(page.image, job, tools)
  if (thumb.kind !== 'thumb') return thumb
  const { title, description } = page
  const external = { uri, title, description, ...(thumb.blob && { thumb: thumb.blob }) }
  return { kind: 'card', embed: { $type: 'app.bsky.embed.external', external } }
}

async function pageAt(uri: string, tools: Tools): Promise<PageSummary | null> {
  const reply = await get({ url: uri, maxBytes: pageBytes, cut: true, headers: { accept: 'text/html' } }, tools)
  const type = reply?.headers['content-type'] ?? ''
  if (!reply || !/^(text\/html|application\/xhtml\+xml)\b/i.test(type)) return null
  return readPage(reply.body, type, reply.url)
}

async function thumbOf(
  address: string | null,
  job: Job,
  tools: Tools,
): Promise<{ kind: 'thumb'; blob: BlobRef | null } | Outcome> {
  const reply = address === null ? null : await get({ url: address, maxBytes: thumbBytes }, tools)
  const header = reply && readImageHeader(reply.body)
  if (!header) return { kind: 'thumb', blob: null }
  const uploaded = await uploadImage(reply.body, header, job, tools)
  if (uploaded.kind === 'uploaded') return { kind: 'thumb', blob: uploaded.image.blob }
  if (uploaded.kind === 'expired') return uploaded
  tools.log.info({ outcome: uploaded.kind }, 'a link card goes without its picture')
  return { kind: 'thumb', blob: null }
}

/** The answer when it is 200; null for everything else. */
async function get(request: OutboundRequest, tools: Tools): Promise<OutboundReply | null> {
  try {
    const { signal } = tools
    const reply = await tools.web.request({ redirects: 3, timeoutMs: fetchMs, ...request, signal })
    return reply.status === 200 ? reply : null
  } catch (error) {
    if (error instanceof OutboundError) return null
    throw error
  }
}
