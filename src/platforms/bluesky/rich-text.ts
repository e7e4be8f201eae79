/** The facets of a record: what `facets.ts` found, with the people behind the mentions. */
import type { JsonObject } from '../../model/platform.ts'
import type { Job, Outcome, Tools } from '../platform.ts'
import { type Feature, type Found, findFeatures } from './facets.ts'
import { type Owner, ownerOf } from './identity.ts'

export interface RichText {
  kind: 'rich'
  facets: JsonObject[]
  /** The first link in the text; null when there is none. */
  firstLink: string | null
}

/** After this many attempts a mention that cannot be looked up is left as plain text. */
const patientAttempts = 3

/** Facets for the text. Handles that belong to nobody stay plain text. */
export async function richText(text: string, job: Job, tools: Tools): Promise<RichText | Outcome> {
  const found = findFeatures(text)
  const handles = new Set(found.flatMap(({ feature }) => (feature.kind === 'mention' ? [feature.handle] : [])))
  const owners = new Map(
    await Promise.all(Array.from(handles, async (handle) => [handle, await ownerOf(handle, job, tools)] as const)),
  )
  for (const [handle, owner] of owners) {
    if (owner.kind !== 'later') continue
    const reason = `The mention @${handle} could not be looked up: ${owner.reason}`
    if (job.attempt <= patientAttempts) return { kind: 'retry', reason }
    tools.log.warn({ handle }, 'a mention could not be looked up and stays plain text')
  }
  const link = found.find(({ feature }) => feature.kind === 'link')?.feature
  return {
    kind: 'rich',
    facets: found.flatMap((one) => facetOf(one, owners)),
    firstLink: link?.kind === 'link' ? link.uri : null,
  }
}

function facetOf({ byteStart, byteEnd, feature }: Found, owners: Map<string, Owner>): JsonObject[] {
  const told = wireOf(feature, owners)
  return told ? [{ index: { byteStart, byteEnd }, features: [told] }] : []
}

function wireOf(feature: Feature, owners: Map<string, Owner>): JsonObject | null {
  switch (feature.kind) {
    case 'link':
      return { $type: 'app.bsky.richtext.facet#link', uri: feature.uri }
    case 'tag':
      return { $type: 'app.bsky.richtext.facet#tag', tag: feature.tag }
    case 'mention': {
      const owner = owners.get(feature.handle)
      return owner?.kind === 'did' ? { $type: 'app.bsky.richtext.facet#mention', did: owner.did } : null
    }
  }
}
