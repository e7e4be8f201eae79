const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,30}))?)?(?:([Zz])|([+-])(\d{2})(?::?(\d{2}))?)?)?$/

/** What a date parameter takes, for messages. */
export const instantForm = 'a date and time such as 2026-01-31T10:00:00Z'

/**
 * An RFC 3339 / ISO 8601 instant of the years 1 to 9999; null for anything else. Seconds may be missing, a missing
 * offset is UTC, a date alone is midnight UTC. More than milliseconds rounds up, so that nothing looks early. Second
 * 60 is taken where leap seconds are (23:59 UTC) and means the next second.
 */
export function parseInstant(text: string): Date | null {
  const parts = form.exec(text)
  if (!parts) return null
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const sign = parts[9] === '-' ? -1 : 1
  const offsetHours = Number(parts[10] ?? 0)
  const offsetMinutes = Number(parts[11] ?? 0)
  if (hour > 23 || minute > 59 || second > 60 || offsetHours > 23 || offsetMinutes > 59) return null

  // Not Date.UTC: it reads years below 100 as 19xx. Day 31 of a shorter month shows as another month.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null
  date.setUTCHours(hour, minute - sign * (offsetHours * 60 + offsetMinutes), second, 0)
  if (second === 60 && !isAfterLeapSecond(date)) return null

  const instant = new Date(date.getTime() + fractionMs(parts[7] ?? ''))
  const reached = instant.getUTCFullYear()
  return reached >= 1 && reached <= 9999 ? instant : null
}

function isAfterLeapSecond(date: Date): boolean {
  return date.getUTCHours() === 0 && date.getUTCMinutes() === 0 && date.getUTCSeconds() === 0
}

function fractionMs(digits: string): number {
  const ms = Number(digits.slice(0, 3).padEnd(3, '0'))
  return /[1-9]/.test(digits.slice(3)) ? ms + 1 : ms
}
