/**
 * Takes secrets out of anything that is logged, stored as details or shown.
 * By name (a key that sounds like a secret) and by look (bearer tokens, JWTs, Belfry keys), because a
 * platform's own message may quote what we sent.
 */
const secretName =
  /(authorization|cookie|password|passwd|secret|token|jwt|api[-_]?key|credential|signature|^key$|^code$|verifier)/i
// Names that sound like a secret and are not.
const publicName = /(expires_at|expiresAt|token_type|^error_code$|^status_code$|needs_reconnect)$/i

const secretLooks: [RegExp, string][] = [
  [/\b(Bearer|Basic|DPoP)\s+[A-Za-z0-9._~+/=-]{6,}/gi, '$1 [redacted]'],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)?/g, '[redacted]'],
  [/\bblf_(live|test)_[0-9A-Za-z]{8,}/g, 'blf_$1_[redacted]'],
  [/\b[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}\b/g, '[redacted]'],
  [/([?&](?:access_token|refresh_token|token|key|secret|code|password|sig|signature)=)[^&\s"']+/gi, '$1[redacted]'],
]

export function redactText(text: string): string {
  return secretLooks.reduce((clean, [look, put]) => clean.replace(look, put), text)
}

/** A copy without secrets; at most 8 levels deep. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (depth > 8) return '[too deep]'
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      secretName.test(name) &&
      !publicName.test(name) &&
      typeof inner !== 'boolean' &&
      inner !== null &&
      inner !== undefined
        ? '[redacted]'
        : redact(inner, depth + 1),
    ]),
  )
}
