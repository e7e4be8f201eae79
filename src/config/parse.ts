/** Pure readers of single settings. Each refuses with one line: the variable, what it got, what it takes. */
import { StartError } from '../model/errors.ts'
import type { Env } from './env.ts'

/** A setting that stops the start. Never shows a secret. */
function refuse(name: string, got: string, takes: string): never {
  throw new StartError(`${name} is ${JSON.stringify(got)}; it takes ${takes}.`)
}

export function text(env: Env, name: string): string | null {
  const value = env[name]?.trim()
  return value ? value : null
}

export function wholeNumber(env: Env, name: string, byDefault: number, min: number, max: number): number {
  const value = text(env, name)
  if (value === null) return byDefault
  const number = Number(value)
  if (!/^-?\d+$/.test(value) || number < min || number > max)
    refuse(name, value, `a whole number from ${min} to ${max}`)
  return number
}

export function yesNo(env: Env, name: string, byDefault: boolean): boolean {
  const value = text(env, name)?.toLowerCase()
  if (value === undefined) return byDefault
  if (['1', 'true', 'on', 'yes'].includes(value)) return true
  if (['0', 'false', 'off', 'no'].includes(value)) return false
  return refuse(name, value, 'on or off')
}

/** An http(s) address without a trailing slash, query or login. */
export function address(env: Env, name: string): string | null {
  const value = text(env, name)
  if (value === null) return null
  const takes = 'an address such as https://social.example.com'
  if (!URL.canParse(value)) return refuse(name, value, takes)
  const url = new URL(value)
  if (!/^https?:$/.test(url.protocol)) refuse(name, `${url.protocol}…`, takes)
  if (url.username || url.password) refuse(name, `${url.protocol}//…@${url.host}`, `${takes}, without a login`)
  if (url.search || url.hash) refuse(name, value, `${takes}, without a query`)
  return url.href.replace(/\/+$/, '')
}

/** At least 32 bytes as base64; what it got is never shown. */
export function secret(env: Env, name: string): Buffer | null {
  const value = text(env, name)
  if (value === null) return null
  const bytes = Buffer.from(value, 'base64')
  const isBase64 = /^[A-Za-z0-9+/_-]+={0,2}$/.test(value)
  if (!isBase64 || bytes.length < 32) {
    throw new StartError(
      `${name} is ${isBase64 ? `only ${bytes.length} bytes long` : 'not base64'}; it takes at least 32 random bytes as base64: openssl rand -base64 32`,
    )
  }
  return bytes
}

export function oneOf<Name extends string>(env: Env, name: string, byDefault: Name, names: readonly Name[]): Name {
  const value = text(env, name)
  if (value === null) return byDefault
  return names.find((one) => one === value) ?? refuse(name, value, `one of ${names.join(', ')}`)
}

/** A comma list of names. */
export function listOf<Name extends string>(env: Env, name: string, names: readonly Name[]): Name[] {
  const value = text(env, name)
  if (value === null) return [...names]
  const parts = value.split(',').map((part) => part.trim())
  return parts.map(
    (part) => names.find((one) => one === part) ?? refuse(name, value, `a comma list of ${names.join(', ')}`),
  )
}

export interface RateLimit {
  perSecond: number
  perMinute: number
}

/** `200/s,6000/m`, or `off`. */
export function rateLimit(env: Env, name: string, byDefault: RateLimit | null): RateLimit | null {
  const value = text(env, name)
  if (value === null) return byDefault
  if (value === 'off') return null
  const parts = /^(\d{1,7})\/s,\s*(\d{1,7})\/m$/.exec(value)
  const [perSecond, perMinute] = [Number(parts?.[1]), Number(parts?.[2])]
  if (!parts || perSecond < 1 || perMinute < 1) return refuse(name, value, 'two limits such as 200/s,6000/m, or off')
  return { perSecond, perMinute }
}
