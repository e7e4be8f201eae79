import type { JsonObject, PlatformName } from '../model/platform.ts'

/** Something published, as `GET /sandbox/published` answers it. */
export interface TimelinePost {
  platform: PlatformName
  user_id: string
  /** The platform's own id, the one that a result carries. */
  id: string
  url: string
  caption: string
  /** In the order that people see; `type` is the MIME type, `sha256` hexadecimal. */
  media: { type: string; bytes: number; sha256: string }[]
  /** When the emulator received the request that published it, RFC 3339 with milliseconds. */
  received_at: string
  /** All else that the platform was told, by its own names. */
  options: JsonObject
}

export interface TimelineQuery {
  platform?: string
  userId?: string
  /** Part of the caption, in any case. */
  q?: string
  limit: number
  /** Cursor of an earlier page. */
  after?: number
}

/** What all emulated platforms hold, in order of acceptance. */
export interface Timeline {
  add(post: TimelinePost): void
  /** Changes it in place: an edited post keeps its position. Adds it when it is not there. */
  replace(post: TimelinePost): void
  remove(platform: PlatformName, id: string): void
  clear(): void
  page(query: TimelineQuery): { data: TimelinePost[]; next: string | null }
  /** The newest first. */
  newest(query: TimelineQuery): TimelinePost[]
  size(): number
}

interface Row {
  /** Counts acceptances from 1 and never goes back, so a cursor stays good after removals and restarts. */
  seq: number
  post: TimelinePost
}

export function createTimeline(): Timeline {
  let rows: Row[] = []
  let seq = 0
  const byId = new Map<string, Row>()
  const keyOf = (platform: PlatformName, id: string) => `${platform} ${id}`

  function add(post: TimelinePost): void {
    seq += 1
    const row = { seq, post }
    rows.push(row)
    byId.set(keyOf(post.platform, post.id), row)
  }

  return {
    add,
    replace(post) {
      const row = byId.get(keyOf(post.platform, post.id))
      if (row) row.post = post
      else add(post)
    },
    remove(platform, id) {
      const row = byId.get(keyOf(platform, id))
      if (!row) return
      byId.delete(keyOf(platform, id))
      rows.splice(firstAfter(rows, row.seq - 1), 1)
    },
    clear() {
      rows = []
      byId.clear()
    },
    page(query) {
      const matches = matcher(query)
      const data: TimelinePost[] = []
      let last = 0
      for (let index = firstAfter(rows, query.after ?? 0); index < rows.length; index += 1) {
        const row = rows[index]!
        if (!matches(row.post)) continue
        if (data.length === query.limit) return { data, next: String(last) }
        data.push(row.post)
        last = row.seq
      }
      return { data, next: null }
    },
    newest(query) {
      const matches = matcher(query)
      const data: TimelinePost[] = []
      for (let index = rows.length - 1; index >= 0 && data.length < query.limit; index -= 1) {
        const { post } = rows[index]!
        if (matches(post)) data.push(post)
      }
      return data
    },
    size: () => rows.length,
  }
}

/** Index of the first row past `seq`; rows are sorted by it. */
function firstAfter(rows: Row[], seq: number): number {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (rows[middle]!.seq <= seq) low = middle + 1
    else high = middle
  }
  return low
}

function matcher({ platform, userId, q }: TimelineQuery): (post: TimelinePost) => boolean {
  const part = q?.toLowerCase()
  return (post) =>
    (platform === undefined || post.platform === platform) &&
    (userId === undefined || post.user_id === userId) &&
    (part === undefined || post.caption.toLowerCase().includes(part))
}
