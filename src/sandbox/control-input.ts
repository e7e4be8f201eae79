import { type PlatformName, platformNames } from '../model/platform.ts'
import { type FaultKind, type FaultOrder, type FaultTarget, faultKinds, faultTargets } from './faults.ts'
import type { TimelineQuery } from './timeline.ts'

/** A control call that cannot be understood; the message names the field, what it got and what it takes. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly statusCode: number

  constructor(message: string, statusCode = 400) {
    super(message)
    this.statusCode = statusCode
  }
}

type Fields = Record<string, unknown>

/** The fields of a JSON object. @throws {ControlError} for any other value, or a field that is not in `known`. */
export function fieldsOf(body: unknown, known: readonly string[]): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ControlError(`body: got ${shown(body)}; takes a JSON object with ${known.join(', ')}`)
  }
  for (const name of Object.keys(body)) {
    if (!known.includes(name)) throw new ControlError(`${name}: no such field; takes ${known.join(', ')}`)
  }
  return body as Fields
}

/** @throws {ControlError} unless it is absent or one of `choices` */
export function choice<T extends string>(fields: Fields, name: string, choices: readonly T[]): T | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (!choices.includes(value as T)) wrong(name, value, `one of ${choices.join(', ')}`)
  return value as T
}

/** @throws {ControlError} unless it is absent or text that is not empty */
export function text(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string' || value === '') wrong(name, value, 'text that is not empty')
  return value as string
}

/** A JSON number; digits too where it comes from a query. @throws {ControlError} unless absent or whole and in range */
export function whole(fields: Fields, name: string, min: number, max: number): number | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  if (!Number.isInteger(number) || (number as number) < min || (number as number) > max) {
    wrong(name, value, `a whole number from ${min} to ${max}`)
  }
  return number as number
}

export function wrong(name: string, got: unknown, takes: string): never {
  throw new ControlError(`${name}: got ${shown(got)}; takes ${takes}`)
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const json = JSON.stringify(value)
  return json.length > 100 ? `${json.slice(0, 100)}…` : json
}

const faultFields = ['platform', 'user_id', 'kind', 'times', 'after_ms', 'retry_after_s', 'on']

export function readFault(body: unknown): FaultOrder {
  const fields = fieldsOf(body, faultFields)
  const kind: FaultKind =
    choice(fields, 'kind', faultKinds) ?? wrong('kind', fields['kind'], `one of ${faultKinds.join(', ')}`)
  const ofLogin = kind === 'expire_token' || kind === 'revoke_token'
  const on: FaultTarget | undefined = choice(fields, 'on', faultTargets)
  return {
    platform: choice<PlatformName>(fields, 'platform', platformNames) ?? null,
    userId: text(fields, 'user_id') ?? null,
    kind,
    times: whole(fields, 'times', 1, 1_000_000) ?? 1,
    afterMs: whole(fields, 'after_ms', 0, 3_600_000) ?? (kind === 'slow' ? 5_000 : 0),
    retryAfterS: whole(fields, 'retry_after_s', 0, 86_400) ?? 5,
    on: on ?? (ofLogin ? 'any' : 'publish'),
  }
}

/** @default limit 50; larger than 1,000 means 1,000 */
export function readPublishedQuery(query: Fields): TimelineQuery {
  return {
    platform: choice(query, 'platform', platformNames),
    userId: text(query, 'user_id'),
    q: text(query, 'q'),
    limit: Math.min(whole(query, 'limit', 1, Number.MAX_SAFE_INTEGER) ?? 50, 1_000),
    after: whole(query, 'after', 0, Number.MAX_SAFE_INTEGER),
  }
}
