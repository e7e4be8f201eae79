/** What can be wrong with a post's body beyond its schema. Each function reports on its own, so that all is told at once. */
import { checkConfiguration } from '../content/check-configuration.ts'
import { type MediaUrlRules, mediaUrlProblem } from '../content/media-url.ts'
import { type PlatformName, platformNames } from '../model/platform.ts'

export type Fields = Record<string, unknown>

export function missingOfReplacement(fields: Fields): string[] {
  return ['caption', 'social_accounts']
    .filter((name) => fields[name] === undefined)
    .map((name) => `${name} is required: PUT replaces the whole post; nothing was changed`)
}

export function targetProblems(fields: Fields): string[] {
  const ids = texts(fields['social_accounts'])
  const isEmpty = Array.isArray(fields['social_accounts']) && fields['social_accounts'].length === 0
  const problems = repeated(ids).map((id) => `social_accounts contains ${quoted(id)} more than once`)
  if (isEmpty && fields['isDraft'] !== true) {
    problems.push('social_accounts must not be empty; only a draft may have no accounts yet')
  }
  const configured = accountConfigurations(fields)
    .map((entry) => entry['social_account_id'])
    .filter((id) => typeof id === 'string')
  for (const id of repeated(configured)) {
    problems.push(`account_configurations has more than one entry for account ${quoted(id)}`)
  }
  const targets = new Set(ids)
  for (const id of new Set(configured)) {
    if (!targets.has(id)) {
      problems.push(`account_configurations names account ${quoted(id)}, which is not in social_accounts`)
    }
  }
  return problems
}

/** A level of the post with its overrides, and how a message begins that is about it. */
interface Level {
  holder: Fields
  path: string
  prefix: string
  platform: PlatformName | null
}

function levelsOf(fields: Fields): Level[] {
  const platforms = isObject(fields['platform_configurations']) ? fields['platform_configurations'] : {}
  return [
    ...platformNames.flatMap((platform) => {
      const holder = platforms[platform]
      const path = `platform_configurations.${platform}`
      return isObject(holder) ? [{ holder, path, prefix: `${platform}: `, platform }] : []
    }),
    ...accountConfigurations(fields).flatMap((entry, n) => {
      const holder = entry['configuration']
      const path = `account_configurations[${n}].configuration`
      const prefix = `account ${String(entry['social_account_id']).slice(0, 60)}: `
      return isObject(holder) ? [{ holder, path, prefix, platform: null }] : []
    }),
  ]
}

export function mediaProblems(fields: Fields, rules: MediaUrlRules): string[] {
  const levels = [{ holder: fields, prefix: '' }, ...levelsOf(fields)]
  return levels.flatMap(({ holder, prefix }) => {
    const media = Array.isArray(holder['media']) ? holder['media'].filter(isObject) : []
    return media.flatMap((item, n) =>
      ['url', 'thumbnail_url'].flatMap((name) => {
        const value = item[name]
        const problem = typeof value === 'string' ? mediaUrlProblem(value, rules) : null
        return problem ? [`${prefix}media[${n}].${name} ${problem}`] : []
      }),
    )
  })
}

/** Known fields of the platforms (content/fields.ts). */
export function fieldProblems(fields: Fields): string[] {
  return levelsOf(fields).flatMap(({ holder, path, platform }) => checkConfiguration(platform, holder, path))
}

function accountConfigurations(fields: Fields): Fields[] {
  const list = fields['account_configurations']
  return Array.isArray(list) ? list.filter(isObject) : []
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

function repeated(ids: readonly string[]): string[] {
  const seen = new Set<string>()
  const again = new Set<string>()
  for (const id of ids) (seen.has(id) ? again : seen).add(id)
  return [...again]
}

/** An id of the caller's in a message: short, whatever it is. */
export function quoted(id: string): string {
  return JSON.stringify(id.length > 60 ? `${id.slice(0, 57)}…` : id)
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
