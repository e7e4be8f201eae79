import type { Json, JsonObject } from '../../model/platform.ts'
import type { TimelinePost } from '../timeline.ts'
import { sha256OfCid } from './encoding/cid.ts'
import { type BlobRef, isBlobRef } from './lexicon/checker.ts'
import type { Entry } from './state.ts'

/** A post record as the sandbox lists it. Reads with care: a record written with `validate: false` may hold anything. */
export function postOf({ did, collection, rkey, cid, value, at }: Extract<Entry, { is: 'write' }>): TimelinePost {
  const uri = `at://${did}/${collection}/${rkey}`
  const embed = objectOf(value['embed'])
  const type = typeof embed['$type'] === 'string' ? embed['$type'] : null
  const quoting = type === 'app.bsky.embed.recordWithMedia'
  const media = quoting ? objectOf(embed['media']) : embed
  const items = itemsOf(media)
  const quote = quoting
    ? objectOf(embed['record'])['record']
    : type === 'app.bsky.embed.record'
      ? embed['record']
      : undefined
  return {
    platform: 'bluesky',
    user_id: did,
    id: uri,
    url: `https://bsky.app/profile/${did}/post/${rkey}`,
    caption: typeof value['text'] === 'string' ? value['text'] : '',
    media: items.map(({ file }) => ({ type: file.mimeType, bytes: file.size, sha256: sha256OfCid(file.ref.$link) })),
    received_at: at,
    options: present({
      uri,
      cid,
      created_at: value['createdAt'],
      embed: type,
      ...(items.length > 0 && { alt: items.map(({ alt }) => alt), aspect_ratios: items.map(({ ratio }) => ratio) }),
      ...(quoting && { media_embed: media['$type'] }),
      external: externalOf(media),
      quote,
      facets: value['facets'],
      langs: value['langs'],
      labels: value['labels'],
      tags: value['tags'],
      reply: value['reply'],
    }),
  }
}

interface Item {
  file: BlobRef
  alt: Json
  ratio: Json
}

function itemsOf(embed: JsonObject): Item[] {
  const { images, items, video } = embed
  const files = Array.isArray(images) ? images : Array.isArray(items) ? items : video === undefined ? [] : [embed]
  return files.flatMap((each) => {
    const item = objectOf(each)
    const file: unknown = item['image'] ?? item['video']
    return isBlobRef(file) ? [{ file, alt: item['alt'] ?? '', ratio: item['aspectRatio'] ?? null }] : []
  })
}

function externalOf(embed: JsonObject): JsonObject | undefined {
  if (embed['external'] === undefined) return undefined
  const { uri, title, description, thumb } = objectOf(embed['external'])
  const file: unknown = thumb
  return present({
    uri,
    title,
    description,
    thumb: isBlobRef(file) ? { type: file.mimeType, bytes: file.size, sha256: sha256OfCid(file.ref.$link) } : undefined,
  })
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}

function present(fields: Record<string, Json | undefined>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject
}
