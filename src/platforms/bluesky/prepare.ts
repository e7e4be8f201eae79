/** Everything that must be there before the one write: images, quote, link card, and the record that names them. */
import type { JsonObject } from '../../model/platform.ts'
import type { Job, Outcome, Tools } from '../platform.ts'
import { linkCard } from './card.ts'
import { imagesEmbed, uploadImages } from './images.ts'
import { textOfPost } from './limits.ts'
import type { Progress } from './progress.ts'
import { quoteOf, resolveQuote } from './quote.ts'
import { richText } from './rich-text.ts'
import { newTid } from './tid.ts'
import { postCollection, type StrongRef } from './wire.ts'

export type Prepared = { kind: 'ready'; progress: Progress } | Outcome

/** Nothing of this is visible to anyone; it may be done again. */
export async function prepare(job: Job, stored: Progress, tools: Tools): Promise<Prepared> {
  const text = textOfPost(job.content)
  const rich = await richText(text, job, tools)
  if (rich.kind !== 'rich') return rich
  const quoted = await quoteFor(job, tools)
  if (quoted && quoted.kind !== 'quote') return quoted
  const media = await mediaFor(job, stored, rich.firstLink, tools)
  if (media.kind !== 'media') return media
  const { embed: mediaEmbed, images } = media
  const embed = embedOf(mediaEmbed, quoted?.ref ?? null)

  const now = tools.clock.now()
  const createdAt = stored.createdAt ?? now.toISOString()
  const rkey = stored.rkey ?? job.mark?.key ?? newTid(now.getTime())
  const langs = textsOf(job, 'langs')
  const record: JsonObject = {
    $type: postCollection,
    text,
    createdAt,
    ...(rich.facets.length > 0 && { facets: rich.facets }),
    ...(embed && { embed }),
    ...(langs.length > 0 && { langs }),
  }
  return { kind: 'ready', progress: { images, rkey, createdAt, record } }
}

async function quoteFor(job: Job, tools: Tools): Promise<{ kind: 'quote'; ref: StrongRef } | Outcome | null> {
  const { quote } = job.content.options
  const named = typeof quote === 'string' ? quoteOf(quote) : null
  return named && resolveQuote(named, job, tools)
}

/** Images win over the link card: a record has one embed. */
async function mediaFor(
  job: Job,
  stored: Progress,
  link: string | null,
  tools: Tools,
): Promise<{ kind: 'media'; embed: JsonObject | null; images?: Progress['images'] } | Outcome> {
  if (job.content.media.length === 0) {
    if (link === null) return { kind: 'media', embed: null }
    const card = await linkCard(link, job, tools)
    return card.kind === 'card' ? { kind: 'media', embed: card.embed } : card
  }
  const uploaded = await uploadImages(job, stored, tools)
  if (uploaded.kind !== 'images') return uploaded
  const { images } = uploaded
  return { kind: 'media', embed: imagesEmbed(images, textsOf(job, 'alt_texts')), images }
}

function embedOf(media: JsonObject | null, quote: StrongRef | null): JsonObject | null {
  if (!quote) return media
  const record = { $type: 'app.bsky.embed.record', record: quote }
  return media ? { $type: 'app.bsky.embed.recordWithMedia', record, media } : record
}

function textsOf(job: Job, option: 'langs' | 'alt_texts'): string[] {
  const value = job.content.options[option]
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
