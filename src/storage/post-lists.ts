import type { Post, PostStatus } from '../model/post.ts'
import type { Db } from './database.ts'
import { type PostRow, postColumns, postFromRow } from './posts.ts'

/** Null is no filter; inside one list any value matches. */
export interface PostFilter {
  projectId: string
  statuses: readonly PostStatus[] | null
  externalIds: readonly string[] | null
  /** Posts of which any target is on one of these platforms. */
  platforms: readonly string[] | null
  /** Posts that target any of these accounts. */
  accountIds: readonly string[] | null
  /** The accounts that the key may see: posts that target one of them; null: all posts. */
  allowedIds: readonly string[] | null
}

export interface Page {
  limit: number
  offset: number
}

export async function readPost(db: Db, projectId: string, id: string): Promise<Post | null> {
  const rows = await db.rows<PostRow>(`select ${postColumns} from posts where id = $1 and project_id = $2`, [
    id,
    projectId,
  ])
  return rows[0] ? postFromRow(rows[0]) : null
}

/**
 * A page of posts, newest first. Several statements and not one with many "or null": each shape has an index that
 * serves it, so that a page costs the same however many posts there are.
 */
export async function listPosts(db: Db, filter: PostFilter, page: Page): Promise<Post[]> {
  const rows = await postRows(db, filter, await targetLists(db, filter), page)
  return rows.map(postFromRow)
}

function postRows(db: Db, filter: PostFilter, lists: string[][], page: Page): Promise<PostRow[]> {
  const { projectId, statuses, externalIds } = filter
  const [first, second = null, third = null] = lists
  if (externalIds) {
    return db.rows(
      `select ${postColumns} from posts p
       where project_id = $1 and external_id = any($2) and ($3::text[] is null or status = any($3))
         and ${targets('$4')} and ${targets('$5')} and ${targets('$6')}
       order by created_at desc, id desc limit $7 offset $8`,
      [projectId, externalIds, statuses, first ?? null, second, third, page.limit, page.offset],
    )
  }
  if (first) {
    return db.rows(
      `select ${postColumns} from posts p
       where project_id = $1 and id in (select t.post_id from targets t where t.account_id = any($2))
         and ($3::text[] is null or status = any($3)) and ${targets('$4')} and ${targets('$5')}
       order by created_at desc, id desc limit $6 offset $7`,
      [projectId, first, statuses, second, third, page.limit, page.offset],
    )
  }
  if (statuses) {
    return db.rows(
      `select p.* from unnest($2::text[]) as wanted (status)
       cross join lateral (
         select ${postColumns} from posts
         where project_id = $1 and status = wanted.status
         order by created_at desc, id desc limit $3::bigint + $4::bigint
       ) p
       order by p.created_at desc, p.id desc limit $3 offset $4`,
      [projectId, statuses, page.limit, page.offset],
    )
  }
  return db.rows(
    `select ${postColumns} from posts where project_id = $1 order by created_at desc, id desc limit $2 offset $3`,
    [projectId, page.limit, page.offset],
  )
}

/** How many posts match, exactly. Kept counts serve all posts and statuses; other filters count by index. */
export async function countPosts(db: Db, filter: PostFilter): Promise<number> {
  const { projectId, statuses, externalIds } = filter
  const [first, second = null, third = null] = await targetLists(db, filter)
  if (externalIds) {
    return total(
      db,
      `select count(*) as total from posts p
       where project_id = $1 and external_id = any($2) and ($3::text[] is null or status = any($3))
         and ${targets('$4')} and ${targets('$5')} and ${targets('$6')}`,
      [projectId, externalIds, statuses, first ?? null, second, third],
    )
  }
  if (first && !second && !statuses) {
    // The accounts are the project's own, and so are their posts: the index alone answers.
    return total(
      db,
      'select count(*) as total from (select distinct post_id from targets where account_id = any($1)) targeted',
      [first],
    )
  }
  if (first) {
    return total(
      db,
      `select count(*) as total from posts p
       where project_id = $1 and id in (select t.post_id from targets t where t.account_id = any($2))
         and ($3::text[] is null or status = any($3)) and ${targets('$4')} and ${targets('$5')}`,
      [projectId, first, statuses, second, third],
    )
  }
  return total(
    db,
    `select coalesce(sum(delta), 0)::bigint as total from post_counts
     where project_id = $1 and ($2::text[] is null or status = any($2))`,
    [projectId, statuses],
  )
}

async function total(db: Db, sql: string, parameters: readonly unknown[]): Promise<number> {
  const rows = await db.rows<{ total: number }>(sql, parameters)
  return rows[0]!.total
}

/** Part of a constant statement: post `p` targets one of these accounts, where any are asked for. */
function targets(accountIds: string): string {
  return `(${accountIds}::text[] is null or exists (
           select 1 from targets t where t.post_id = p.id and t.account_id = any(${accountIds})))`
}

/** The filters on targets as lists of the project's accounts, of each of which a post must have one. */
async function targetLists(db: Db, filter: PostFilter): Promise<string[][]> {
  const { projectId, platforms, accountIds, allowedIds } = filter
  if (!platforms && !accountIds && !allowedIds) return []
  const rows = await db.rows<{ platforms: string[]; accounts: string[]; allowed: string[] }>(
    `select coalesce(array_agg(id) filter (where platform = any($2)), '{}') as platforms,
       coalesce(array_agg(id) filter (where id = any($3)), '{}') as accounts,
       coalesce(array_agg(id) filter (where id = any($4)), '{}') as allowed
     from accounts
     where project_id = $1 and (platform = any($2) or id = any($3) or id = any($4))`,
    [projectId, platforms, accountIds, allowedIds],
  )
  const found = rows[0]!
  return [
    ...(accountIds ? [found.accounts] : []),
    ...(allowedIds ? [found.allowed] : []),
    ...(platforms ? [found.platforms] : []),
  ]
}

/**
 * Locks a post and answers its version and targets, so that what a write may do can be decided on them;
 * null if the project has no such post.
 */
export async function lockPost(
  tx: Db,
  projectId: string,
  id: string,
): Promise<{ version: number; accountIds: string[] } | null> {
  const posts = await tx.rows<{ version: number }>(
    'select version from posts where id = $1 and project_id = $2 for update',
    [id, projectId],
  )
  if (!posts[0]) return null
  // A statement of its own: only a snapshot taken after the lock sees the targets of a PUT that held it before.
  const targets = await tx.rows<{ account_id: string }>(
    'select account_id from targets where post_id = $1 order by position',
    [id],
  )
  return { version: posts[0].version, accountIds: targets.map((target) => target.account_id) }
}
