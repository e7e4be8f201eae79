import { Command } from 'commander'
import { StartError } from '../model/errors.ts'
import { parseInstant } from '../model/instant.ts'
import { type ApiKey, type Project, type Scope, scopes } from '../model/project.ts'
import { createClock } from '../runtime/clock.ts'
import { newId } from '../runtime/ids.ts'
import { makeApiKey } from '../security/api-keys.ts'
import { readAccounts } from '../storage/accounts.ts'
import type { Database } from '../storage/database.ts'
import { createKey, listKeys, revokeKey } from '../storage/keys.ts'
import { listProjects, readProjectByName } from '../storage/projects.ts'
import { print, table } from './output.ts'
import { withStore } from './store.ts'

interface CreateOptions {
  project: string
  label?: string
  scopes?: string
  accounts?: string
  expires?: string
  revealTokens?: boolean
  json?: boolean
}

export function keysCommand(): Command {
  const keys = new Command('keys').description('API keys; each belongs to one project')
  keys
    .command('create')
    .description('makes a key and shows it once')
    .requiredOption('--project <name>', 'the project it belongs to')
    .option('--label <label>', 'what it is for')
    .option('--scopes <scopes>', `comma list of ${scopes.join(', ')}; default: every one but admin`)
    .option('--accounts <ids>', 'comma list of the only account ids it may see and post to')
    .option('--expires <date>', 'when it stops working, such as 2027-01-31 or 2027-01-31T12:00:00Z')
    .option('--reveal-tokens', 'answers of the social-accounts endpoints carry the real tokens')
    .option('--json', 'one JSON object on standard output')
    .action(async (options: CreateOptions) => {
      const made = await withStore((db) => create(db, options))
      print(
        options.json ?? false,
        made,
        `${made.key}\nThis is the only time the key is shown. Id ${made.id}, project ${made.project_id}.`,
      )
    })
  keys
    .command('list')
    .description('lists keys by their first characters; never the keys')
    .option('--project <name>', 'of this project only')
    .option('--json', 'one JSON object per line on standard output')
    .action(async (options: { project?: string; json?: boolean }) => {
      const rows = await withStore((db) => list(db, options.project))
      if (options.json) for (const row of rows) print(true, row, '')
      else {
        const cells = rows.map((row) => [
          row.id,
          row.project,
          `${row.hint}…`,
          row.label ?? '',
          row.state,
          row.scopes.join(','),
        ])
        print(
          false,
          {},
          rows.length > 0 ? table(['id', 'project', 'key', 'label', 'state', 'scopes'], cells) : 'No keys yet.',
        )
      }
    })
  keys
    .command('revoke')
    .description('ends a key at once; posts that it scheduled still go out')
    .argument('<id>', 'the key id, as list shows it')
    .option('--json', 'one JSON object on standard output')
    .action(async (id: string, options: { json?: boolean }) => {
      await withStore((db) => revoke(db, id))
      print(options.json ?? false, { id, revoked: true }, `Revoked ${id}.`)
    })
  return keys
}

async function create(db: Database, options: CreateOptions): Promise<{ id: string; key: string; project_id: string }> {
  const project = await projectNamed(db, options.project)
  const chosen = options.scopes === undefined ? scopes.filter((scope) => scope !== 'admin') : readScopes(options.scopes)
  const accountIds = options.accounts === undefined ? null : readList('--accounts', options.accounts)
  if (accountIds) {
    const known = new Set((await readAccounts(db, project.id, accountIds)).map((account) => account.id))
    const unknown = accountIds.filter((id) => !known.has(id))
    if (unknown.length > 0)
      throw new StartError(`--accounts names ${unknown.join(', ')}; project "${project.name}" has no such account.`)
  }
  const clock = createClock()
  const { key, hash, hint } = makeApiKey()
  const id = newId('key', clock.nowMs())
  const expiresAt = options.expires === undefined ? null : readExpiry(options.expires, clock.nowMs())
  const revealTokens = options.revealTokens ?? false
  await createKey(
    db,
    {
      id,
      projectId: project.id,
      hash,
      hint,
      label: options.label ?? null,
      scopes: chosen,
      accountIds,
      revealTokens,
      expiresAt,
    },
    null,
  )
  return { id, key, project_id: project.id }
}

async function list(db: Database, name: string | undefined) {
  const projects = name === undefined ? await listProjects(db) : [await projectNamed(db, name)]
  const nowMs = createClock().nowMs()
  const rows = []
  for (const project of projects) {
    const { keys } = await listKeys(db, project.id, { limit: 1000, offset: 0 })
    for (const key of keys) {
      const { id, hint, label, scopes: may, expiresAt, createdAt } = key
      rows.push({
        id,
        project: project.name,
        hint,
        label,
        state: stateOf(key, nowMs),
        scopes: may,
        expires_at: expiresAt,
        created_at: createdAt,
      })
    }
  }
  return rows
}

function stateOf(key: ApiKey, nowMs: number): 'active' | 'revoked' | 'expired' {
  if (key.revokedAt) return 'revoked'
  return key.expiresAt && key.expiresAt.getTime() <= nowMs ? 'expired' : 'active'
}

async function revoke(db: Database, id: string): Promise<void> {
  for (const project of await listProjects(db)) {
    if (await revokeKey(db, project.id, id, null)) return
  }
  throw new StartError(`There is no key ${id}; belfry keys list shows them.`)
}

async function projectNamed(db: Database, name: string): Promise<Project> {
  const project = await readProjectByName(db, name)
  if (project) return project
  const names = (await listProjects(db)).map((one) => `"${one.name}"`).join(', ')
  throw new StartError(
    `--project is "${name}"; there is no such project. ${names ? `There are ${names}.` : 'Make one: belfry projects create NAME'}`,
  )
}

function readList(option: string, text: string): string[] {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  // Such as an empty shell variable: the key could do nothing.
  if (parts.length === 0) throw new StartError(`${option} is empty; it takes a comma list, or leave it out.`)
  return parts
}

function readScopes(text: string): Scope[] {
  return readList('--scopes', text).map((part) => {
    const scope = scopes.find((one) => one === part)
    if (!scope) throw new StartError(`--scopes has "${part}"; it takes a comma list of ${scopes.join(', ')}.`)
    return scope
  })
}

function readExpiry(text: string, nowMs: number): Date {
  const at = parseInstant(text)
  if (!at || at.getTime() <= nowMs) {
    throw new StartError(
      `--expires is "${text}"; it takes a date in the future such as 2027-01-31 or 2027-01-31T12:00:00Z.`,
    )
  }
  return at
}
