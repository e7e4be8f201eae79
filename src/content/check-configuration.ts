/** Whether the fields of a configuration have the types that their platform documents. */
import { parseInstant } from '../model/instant.ts'
import type { PlatformName } from '../model/platform.ts'
import { type FieldShape, shapesOf } from './fields.ts'

/**
 * What is wrong with a configuration's known fields, one sentence each: which field, what it got, what it takes.
 * `caption` and `media` are the caller's, which reads them into their own types. Fields that this platform does
 * not know are left alone; null always means unset.
 * @param platform null for a configuration that may be of any platform: a value is fine when one of them takes it
 * @param path where the configuration lies in the request, such as `platform_configurations.x`
 */
export function checkConfiguration(
  platform: PlatformName | null,
  configuration: Readonly<Record<string, unknown>>,
  path: string,
): string[] {
  return Object.entries(configuration).flatMap(([field, value]) => {
    const shapes = shapesOf(field, platform)
    if (value === null || value === undefined || shapes.length === 0) return []
    const misfits = shapes.map((shape) => misfit(value, shape, `${path}.${field}`))
    if (misfits.includes(null)) return []
    const [only] = misfits
    if (shapes.length === 1 && only) return [sentence(only)]
    return [sentence({ at: `${path}.${field}`, got: value, takes: shapes.map(nameOf).join(', or ') })]
  })
}

interface Misfit {
  at: string
  got: unknown
  takes: string
}

function misfit(value: unknown, shape: FieldShape, at: string): Misfit | null {
  const wrong = { at, got: value, takes: nameOf(shape) }
  switch (shape.is) {
    case 'text':
      return typeof value === 'string' ? null : wrong
    case 'flag':
      return typeof value === 'boolean' ? null : wrong
    case 'number':
      return Number.isFinite(value) ? null : wrong
    case 'choice':
      return typeof value === 'string' && shape.of.includes(value) ? null : wrong
    case 'texts':
      return isTexts(value) ? null : wrong
    case 'nested texts':
      return Array.isArray(value) && isTexts(value.flat(1)) ? null : wrong
    case 'date-time':
      return typeof value === 'string' && dateTime.test(value) && parseInstant(value) ? null : wrong
    case 'date':
      return typeof value === 'string' && (date.test(value) || dateTime.test(value)) && parseInstant(value)
        ? null
        : wrong
    case 'map':
      return isObject(value) ? firstMisfit(Object.entries(value), () => shape.of, at) : wrong
    case 'object': {
      if (!isObject(value)) return wrong
      const missing = shape.required?.find((field) => value[field] === undefined || value[field] === null)
      if (missing) return { at: `${at}.${missing}`, got: undefined, takes: nameOf(shape.of[missing]!) }
      return firstMisfit(Object.entries(value), (field) => shape.of[field], at)
    }
  }
}

function firstMisfit(
  entries: [string, unknown][],
  shapeOf: (field: string) => FieldShape | undefined,
  at: string,
): Misfit | null {
  for (const [field, value] of entries) {
    const shape = shapeOf(field)
    if (!shape || value === null || value === undefined) continue
    const found = misfit(value, shape, `${at}.${field}`)
    if (found) return found
  }
  return null
}

const date = /^\d{4}-\d{2}-\d{2}$/
const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/i

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nameOf(shape: FieldShape): string {
  switch (shape.is) {
    case 'choice':
      return `one of ${shape.of.map((word) => `"${word}"`).join(', ')}`
    case 'text':
      return 'a string'
    case 'flag':
      return 'true or false'
    case 'number':
      return 'a number'
    case 'texts':
    case 'nested texts':
      return 'a list of strings'
    case 'date-time':
      return 'a date-time string'
    case 'date':
      return 'a date or date-time string'
    case 'map':
      return 'an object of objects'
    case 'object':
      return `an object with ${Object.keys(shape.of).join(', ')}`
  }
}

/** Long values are shortened; what was sent is the caller's own and no secret. */
const shownLength = 60

function sentence({ at, got, takes }: Misfit): string {
  if (got === undefined) return `${at} is missing; it takes ${takes}.`
  const shown = JSON.stringify(got) ?? String(got)
  const short = shown.length > shownLength ? `${shown.slice(0, shownLength)}…` : shown
  return `${at} got ${short}; it takes ${takes}.`
}
