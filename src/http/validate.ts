import type { TSchema } from '@sinclair/typebox'
import { Ajv, type ErrorObject } from 'ajv'
import type { FastifySchemaCompiler } from 'fastify'
import { BelfryError } from '../model/errors.ts'
import { instantForm, parseInstant } from '../model/instant.ts'
import { type RawQuery, readQuery } from './query.ts'

/** Nothing is coerced or filled in; every problem is reported, each with what it got. Unknown keys are no problem. */
const ajv = new Ajv({ allErrors: true, verbose: true, strict: false })
/** Stops at the first problem. */
const quickAjv = new Ajv({ verbose: true, strict: false })
for (const one of [ajv, quickAjv]) one.addFormat('date-time', (text) => parseInstant(text) !== null)

/** A value with more array items than this is told its first problem alone: a million of them would take seconds. */
const maxItemsInFull = 10_000

export type Check = (value: unknown) => string[]

/** What is wrong with a value, in sentences that name the field, what it takes and what it got. */
export function checkerOf(schema: TSchema): Check {
  const checkAll = ajv.compile(schema)
  const checkFirst = quickAjv.compile(schema)
  return (value) => {
    const bounded = withinBounds(schema, value)
    const check = bounded.items > maxItemsInFull ? checkFirst : checkAll
    return check(bounded.value) ? bounded.problems : [...bounded.problems, ...sentences(check.errors ?? [])]
  }
}

/** The value with arrays cut to their limit, so that what lies beyond it is reported once and not looked into. */
export function withinBounds(
  schema: TSchema,
  value: unknown,
  path = '',
): { value: unknown; problems: string[]; items: number } {
  const problems: string[] = []
  let items = 0
  const inside = (inner: TSchema, held: unknown, at: string) => {
    const bounded = withinBounds(inner, held, at)
    problems.push(...bounded.problems)
    items += bounded.items
    return bounded.value
  }
  if (Array.isArray(value)) {
    const max: number = schema['maxItems'] ?? value.length
    if (value.length > max) problems.push(`${path} must have at most ${max} items, got ${value.length}`)
    items += Math.min(value.length, max)
    const kept = value.slice(0, max)
    const cut = schema['items'] ? kept.map((item, n) => inside(schema['items'], item, `${path}[${n}]`)) : kept
    return { value: cut, problems, items }
  }
  if (typeof value !== 'object' || value === null) return { value, problems, items }
  const known = Object.entries((schema['properties'] ?? {}) as Record<string, TSchema>)
  const changed = known
    .filter(([name]) => Object.hasOwn(value, name))
    .map(([name, inner]) => [
      name,
      inside(inner, (value as Record<string, unknown>)[name], path === '' ? name : `${path}.${name}`),
    ])
  return { value: { ...value, ...Object.fromEntries(changed) }, problems, items }
}

/** For Fastify: bodies are checked as they are, queries are read in every style and then checked. */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const check = checkerOf(schema)
  if (httpPart !== 'querystring') return (value: unknown) => outcome(value, check(value))
  return (raw: RawQuery) => {
    const { value, problems } = readQuery(raw, schema['properties'])
    // How a list came says nothing of positions: the parameter alone is named.
    return outcome(value, [...problems, ...check(value).map((problem) => problem.replace(/^(\w+)\[\d+\]/, '$1'))])
  }
}

function outcome(value: unknown, problems: string[]) {
  return problems.length === 0 ? { value } : { error: new BelfryError('invalid_request', undefined, problems) }
}

function sentences(found: ErrorObject[]): string[] {
  return [...new Set(found.map(sentence))]
}

function sentence(error: ErrorObject): string {
  const name = nameOf(error.instancePath)
  const { params } = error
  switch (error.keyword) {
    case 'required':
      return `${name === bodyName ? '' : `${name}.`}${params['missingProperty']} is required`
    case 'type':
      return `${name} must be ${oneOf([params['type']].flat())}, got ${show(error)}`
    case 'enum':
      return `${name} must be one of ${params['allowedValues'].filter((v: unknown) => v !== null).join(', ')}, got ${show(error)}`
    case 'minLength':
      return params['limit'] === 1
        ? `${name} must not be empty`
        : `${name} must have at least ${params['limit']} characters`
    case 'maxLength':
      return `${name} must have at most ${params['limit']} characters, got ${[...String(error.data)].length}`
    case 'minimum':
      return `${name} must not be less than ${params['limit']}, got ${show(error)}`
    case 'maximum':
      return `${name} must not be greater than ${params['limit']}, got ${show(error)}`
    case 'minItems':
      return params['limit'] === 1 ? `${name} must not be empty` : `${name} must have at least ${params['limit']} items`
    case 'maxItems':
      return `${name} must have at most ${params['limit']} items, got ${Array.isArray(error.data) ? error.data.length : 0}`
    case 'format':
      return `${name} must be ${instantForm}, got ${show(error)}`
    case 'additionalProperties':
      return `${name}.${params['additionalProperty'].slice(0, 60)} is not known; ${name} takes ${Object.keys(error.parentSchema?.['properties'] ?? {}).join(', ')}`
    default:
      return `${name} ${error.message ?? 'is not valid'}`
  }
}

const bodyName = 'The body'

/** `/account_configurations/0/configuration` as a person writes it: `account_configurations[0].configuration`. */
function nameOf(path: string): string {
  const parts = path.split('/').slice(1)
  if (parts.length === 0) return bodyName
  return parts
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((name, part) => (/^\d+$/.test(part) ? `${name}[${part}]` : name === '' ? part : `${name}.${part}`), '')
}

const articles: Record<string, string> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  null: 'null',
}

function oneOf(types: string[]): string {
  return types.map((type) => articles[type] ?? type).join(' or ')
}

/** What it got, short; never the value of a field that sounds like a secret. */
function show(error: ErrorObject): string {
  return showValue(error.data, error.instancePath)
}

export function showValue(value: unknown, path = ''): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  if (/token|secret|password/i.test(path) && !/expires_at$/.test(path)) return `a ${typeof value}`
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
