/** Why no answer came. `sent` is false only when the request certainly did not reach the other side. */
export class OutboundError extends Error {
  override readonly name = 'OutboundError'
  readonly reason:
    | 'bad_url'
    | 'private_address'
    | 'dns'
    | 'connect'
    | 'tls'
    | 'timeout'
    | 'aborted'
    | 'cut'
    | 'too_large'
  readonly sent: boolean

  constructor(reason: OutboundError['reason'], sent: boolean, message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
    this.sent = sent
  }
}

/** What undici reports, in our words. */
export function failureOf(error: Error, url: URL, sent: boolean): OutboundError {
  if (error instanceof OutboundError) return error
  const code = codeOf(error)
  const why = code === '' ? '' : ` (${code})`
  if (sent) return new OutboundError('cut', true, `${url.host} closed the connection before its answer${why}.`, error)
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return new OutboundError('bad_url', false, `The request to ${url.host} cannot be written.`, error)
  }
  if (['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_FAIL', 'ENODATA', 'ESERVFAIL'].includes(code)) {
    return new OutboundError('dns', false, `The name ${url.hostname} could not be resolved${why}.`, error)
  }
  if (/^(ERR_TLS|ERR_SSL|CERT|EPROTO|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
    return new OutboundError('tls', false, `No secure connection to ${url.host}${why}.`, error)
  }
  return new OutboundError('connect', false, `No connection to ${url.host}${why}.`, error)
}

/** The machine word of an error; empty when it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
