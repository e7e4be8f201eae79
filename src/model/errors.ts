/**
 * Every error that Belfry answers with, as `[HTTP status, sentence]`. `docs/errors.md` is made from this table.
 * Never 409 or 422: the official SDKs retry 409 and know no 422.
 */
export const errors = {
  invalid_request: [400, 'The request is not valid.'],
  malformed_json: [400, 'The body is not valid JSON.'],
  body_too_large: [413, 'The body is larger than 1 MiB.'],
  unauthorized: [401, 'Give a valid API key as "Authorization: Bearer KEY".'],
  missing_scope: [403, 'This API key may not do that.'],
  route_not_found: [404, 'There is no such route.'],
  post_not_found: [404, 'No such post.'],
  result_not_found: [404, 'No such post result.'],
  account_not_found: [404, 'No such social account.'],
  key_not_found: [404, 'No such API key.'],
  credentials_not_found: [404, 'No app credentials are stored for this platform.'],
  post_not_editable: [400, 'The post is being published or was published, and can no longer be changed.'],
  account_in_use: [400, 'A post that targets this account is being published; delete the account when it is done.'],
  login_refused: [400, 'The platform refused this login.'],
  version_mismatch: [412, 'The post was changed since you read it (If-Match); nothing was changed.'],
  idempotency_mismatch: [400, 'This Idempotency-Key was used with another body.'],
  foreign_origin: [403, 'This server answers only on its own address.'],
  rate_limited: [429, 'Too many requests with this API key.'],
  unavailable: [503, 'The database cannot be reached; nothing was written. Try again shortly.'],
  stopping: [503, 'The server is stopping; nothing was written. Try again shortly.'],
  client_left: [503, 'The connection was closed before the write began; nothing was written.'],
  internal: [500, 'Internal server error'],
} as const satisfies Record<string, readonly [number, string]>

export type ErrorCode = keyof typeof errors

/** A refusal that reaches the caller as it is. */
export class BelfryError extends Error {
  override readonly name = 'BelfryError'
  readonly code: ErrorCode
  readonly statusCode: number
  /** Every problem of the request, when there are several. */
  readonly problems: readonly string[] | null

  constructor(code: ErrorCode, message: string = errors[code][1], problems: readonly string[] | null = null) {
    super(message)
    this.code = code
    this.statusCode = errors[code][0]
    this.problems = problems
  }
}

/** Why a delivery failed, as `code` in its result's details, with the sentence for a person. */
export const failures = {
  platform_refused: 'The platform refused the post.',
  content_invalid: 'The platform cannot take this content.',
  media_unavailable: 'A media file of the post could not be fetched.',
  account_disconnected: 'The account was disconnected before this post went out.',
  account_needs_reconnect: 'The platform no longer accepts this account’s login; connect it again, then retry.',
  origin_changed: 'The account was connected somewhere else than this server publishes to; connect it again.',
  platform_not_supported: 'This version of Belfry cannot publish to this platform yet.',
  outcome_unknown: 'Outcome unknown: the platform may or may not have published this.',
  retry_deadline: 'The platform could not be reached before the retry deadline.',
  platform_delay: 'The platform asks to wait longer than the retry deadline allows.',
  crashed_repeatedly: 'Publishing this ended the process three times; it is parked until a person retries it.',
  poll_deadline: 'The platform accepted the post but had not finished it after 24 hours.',
  internal_error: 'Publishing failed inside Belfry before anything was sent.',
} as const
export type FailureCode = keyof typeof failures

/** Why Belfry cannot start: one line for a person, saying what to do. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
