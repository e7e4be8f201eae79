import type { Schema } from './checker.ts'

/**
 * app.bsky.feed.post and what it embeds, as JSON Schema of our own; a test holds it against the vendor's lexicons.
 * Unions are open, as the vendor's are: an unknown `$type` passes.
 * @see https://github.com/bluesky-social/atproto/tree/main/lexicons (commit d6296a1, 2026-08-20)
 */
const string: Schema = { type: 'string' }
const cid = format('cid')
const image = blob(['image/*'], 2_000_000)

const aspectRatio = object({ width: { type: 'integer', minimum: 1 }, height: { type: 'integer', minimum: 1 } }, [
  'width',
  'height',
])
const strongRef = object({ uri: format('at-uri'), cid }, ['uri', 'cid'])

const images = object({ images: list(object({ image, alt: string, aspectRatio }, ['image', 'alt']), 4) }, ['images'])
const galleryItem = object({ image, alt: string, aspectRatio }, ['image', 'alt', 'aspectRatio'])
const gallery = object({ items: list(openUnion({ 'app.bsky.embed.gallery#image': galleryItem }), 20) }, ['items'])
const caption = object({ lang: format('language'), file: blob(['text/vtt'], 20_000) }, ['lang', 'file'])
const video = object(
  {
    video: blob(['video/mp4'], 300_000_000),
    captions: list(caption, 20),
    alt: string,
    aspectRatio,
    presentation: string,
  },
  ['video'],
)
const link = object(
  {
    uri: format('uri'),
    title: string,
    description: string,
    thumb: blob(['image/*'], 1_000_000),
    associatedRefs: list(strongRef),
  },
  ['uri', 'title', 'description'],
)
const external = object({ external: link }, ['external'])
const record = object({ record: strongRef }, ['record'])
const mediaEmbeds = {
  'app.bsky.embed.images': images,
  'app.bsky.embed.video': video,
  'app.bsky.embed.gallery': gallery,
  'app.bsky.embed.external': external,
}
const recordWithMedia = object({ record, media: openUnion(mediaEmbeds) }, ['record', 'media'])

const facet = object(
  {
    index: object({ byteStart: { type: 'integer', minimum: 0 }, byteEnd: { type: 'integer', minimum: 0 } }, [
      'byteStart',
      'byteEnd',
    ]),
    features: list(
      openUnion({
        'app.bsky.richtext.facet#mention': object({ did: format('did') }, ['did']),
        'app.bsky.richtext.facet#link': object({ uri: format('uri') }, ['uri']),
        'app.bsky.richtext.facet#tag': object({ tag: text(640, 64) }, ['tag']),
      }),
    ),
  },
  ['index', 'features'],
)

const selfLabel = object({ val: { type: 'string', utf8Bytes: 128 } }, ['val'])
const position: Schema = { type: 'integer', minimum: 0 }
/** Deprecated, but the vendor still checks it. */
const entity = object(
  { index: object({ start: position, end: position }, ['start', 'end']), type: string, value: string },
  ['index', 'type', 'value'],
)

export const postSchema = object(
  {
    text: text(3_000, 300),
    createdAt: format('datetime'),
    facets: list(facet),
    entities: list(entity),
    embed: openUnion({
      ...mediaEmbeds,
      'app.bsky.embed.record': record,
      'app.bsky.embed.recordWithMedia': recordWithMedia,
    }),
    langs: list(format('language'), 3),
    labels: openUnion({ 'com.atproto.label.defs#selfLabels': object({ values: list(selfLabel, 10) }, ['values']) }),
    tags: list(text(640, 64), 8),
    reply: object({ root: strongRef, parent: strongRef }, ['root', 'parent']),
  },
  ['text', 'createdAt'],
)

function object(properties: Record<string, Schema>, required: string[]): Schema {
  return { type: 'object', properties, required }
}

function list(items: Schema, maxItems?: number): Schema {
  return { type: 'array', items, ...(maxItems === undefined ? {} : { maxItems }) }
}

function format(name: string): Schema {
  return { type: 'string', format: name }
}

function text(utf8Bytes: number, graphemes: number): Schema {
  return { type: 'string', utf8Bytes, graphemes }
}

function blob(accept: string[], maxSize: number): Schema {
  return { blob: { accept, maxSize } }
}

/** An object whose `$type` chooses the schema that it must fulfil. */
function openUnion(members: Record<string, Schema>): Schema {
  return {
    type: 'object',
    required: ['$type'],
    properties: { $type: { type: 'string' } },
    allOf: Object.entries(members).map(([name, schema]) => ({
      if: { properties: { $type: { enum: name.includes('#') ? [name] : [name, `${name}#main`] } } },
      // biome-ignore lint/suspicious/noThenProperty: a JSON Schema keyword
      then: schema,
    })),
  }
}
