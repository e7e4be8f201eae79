import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { BelfryError, type ErrorCode, errors } from '../model/errors.ts'
import type { Logger } from '../runtime/log.ts'
import { codeOf, isAway } from '../storage/database.ts'

/** The reason phrase where the compatible API has `error` in its bodies. */
const phrases: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
}

const named: readonly ErrorCode[] = ['unauthorized', 'malformed_json', 'route_not_found']

/** Most problems that one answer lists. */
const maxProblems = 100

export interface Problem {
  status: number
  headers: Record<string, string>
  body: { statusCode: number; message: string | string[]; error?: string; errors?: string[]; code: string }
}

/**
 * An error as it is answered, in the compatible API's three shapes.
 * @param postShape problems of a post are listed in `errors`, all others as an array in `message`
 */
export function problemOf(error: unknown, postShape: boolean): Problem {
  const refusal = refusalOf(error)
  const { statusCode, code, message } = refusal
  const headers: Record<string, string> = statusCode === 503 ? { 'retry-after': '2' } : {}
  if (refusal.problems) {
    const problems = capped(refusal.problems)
    return {
      status: statusCode,
      headers,
      body: postShape
        ? { statusCode, message: 'Invalid Request', errors: problems, code }
        : { statusCode, error: phrases[statusCode] ?? 'Error', message: problems, code },
    }
  }
  const phrase = named.includes(code) || refusal.named ? phrases[statusCode] : undefined
  return { status: statusCode, headers, body: { statusCode, ...(phrase && { error: phrase }), message, code } }
}

interface RefusalFacts {
  statusCode: number
  code: ErrorCode
  message: string
  problems: readonly string[] | null
  /** A refusal of the framework itself, with `error` in its body. */
  named?: boolean
}

function refusalOf(error: unknown): RefusalFacts {
  if (error instanceof BelfryError) return error
  // 55P03: another request held a lock for too long; this one was rolled back.
  if (isAway(error) || codeOf(error) === '55P03') return plain('unavailable')
  const { statusCode = 500, code = '', message = '' } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return plain('body_too_large')
  if (statusCode >= 400 && statusCode < 500) {
    return { statusCode, code: 'invalid_request', message, problems: null, named: true }
  }
  return plain('internal')
}

function plain(code: ErrorCode): RefusalFacts {
  return { statusCode: errors[code][0], code, message: errors[code][1], problems: null }
}

function capped(problems: readonly string[]): string[] {
  const rest = problems.length - maxProblems
  return rest > 0 ? [...problems.slice(0, maxProblems), `… and ${rest} more problems`] : [...problems]
}

/** Fastify's error handler. What is not a refusal is a bug or a broken world: logged whole, answered in one sentence. */
export function errorHandler(log: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const problem = problemOf(error, request.routeOptions.config.postProblems === true)
    if (problem.status === 500) log.error({ err: error, request_id: request.id }, 'a request failed')
    if (problem.status === 503) log.warn({ err: error, request_id: request.id }, 'a request was refused for now')
    return reply.code(problem.status).headers(problem.headers).send(problem.body)
  }
}

/** Unknown routes, also known paths with another method. */
export function notFoundHandler(request: FastifyRequest, reply: FastifyReply) {
  const path = request.raw.url?.split('?')[0] ?? ''
  const refusal = new BelfryError('route_not_found', `Cannot ${request.method} ${path.slice(0, 200)}`)
  return reply.code(404).send(problemOf(refusal, false).body)
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Problems of this route's body are listed in `errors` (creating and replacing posts). */
    postProblems?: boolean
  }
}
