/** The post that a post quotes. */
import { postCollection } from './wire.ts'

/** A post as a person names it: whose, and its key. */
export interface NamedPost {
  /** DID or handle. */
  author: string
  rkey: string
}

const did = /^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$/
const handle = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i
const rkey = /^[a-zA-Z0-9._:~-]{1,512}$/

/** Reads `at://AUTHOR/app.bsky.feed.post/KEY` and `https://bsky.app/profile/AUTHOR/post/KEY`; null for anything else. */
export function quoteOf(address: string): NamedPost | null {
  const text = address.trim()
  const uri = /^at:\/\/([^/]+)\/([^/]+)\/([^/?#]+)$/.exec(text)
  if (uri) return uri[2] === postCollection ? named(uri[1]!, uri[3]!) : null
  const page = /^https:\/\/bsky\.app\/profile\/([^/]+)\/post\/([^/?#]+)\/?(?:[?#].*)?$/.exec(text)
  return page ? named(page[1]!, page[2]!) : null
}

function named(author: string, key: string): NamedPost | null {
  return (did.test(author) || handle.test(author)) && rkey.test(key) ? { author, rkey: key } : null
}
