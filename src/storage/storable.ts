/**
 * What platforms say goes to the database as they said it, but for what PostgreSQL cannot hold: NUL, and halves of
 * surrogate pairs (also of an emoji that was cut in two). Refused there, they would keep a delivery from ever ending.
 */

const replacement = '\ufffd'

/** A text as PostgreSQL can store it. */
export function storableText(text: string): string
export function storableText(text: string | null): string | null
export function storableText(text: string | null): string | null {
  return text === null ? null : text.replaceAll('\0', replacement).toWellFormed()
}

/** A value as the JSON that PostgreSQL's `jsonb` can store; null stays SQL's null. */
export function storableJson(value: unknown): string | null {
  if (value === null) return null
  // `JSON.stringify` escapes exactly what is not well formed. Every escape is read, so that `\\u0000` stays.
  return JSON.stringify(value).replace(/\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g, (escaped) =>
    escaped.length === 6 ? replacement : escaped,
  )
}
