import type { JsonObject } from '../../model/platform.ts'
import type { Call, Disturbance, VendorReply, VendorRequest } from '../emulator.ts'
import { didDocument, handleDomain, type Network, pdsHost } from './network.ts'
import { readMethods } from './reads.ts'
import { blobRefs, recordMethods } from './records.ts'
import { claimsOf, loginProblem, sessionMethods } from './sessions.ts'
import type { Account } from './state.ts'
import { accessScope, type Claims } from './tokens.ts'
import { uploadMethods } from './uploads.ts'
import { type HostRole, invalid, type Method, ok, refusal } from './xrpc.ts'

const roles: Record<string, HostRole> = {
  'bsky.social': 'entryway',
  [pdsHost]: 'pds',
  'public.api.bsky.app': 'appview',
  'api.bsky.app': 'appview',
}

/** Largest JSON body, in bytes (the PDS's own limit). */
const maxJsonBytes = 150 * 1024

/** Understands requests to any host of the network. */
export function createReader(network: Network): (request: VendorRequest) => Call {
  const methods = new Map(
    Object.entries({
      ...sessionMethods(network),
      ...recordMethods(network),
      ...uploadMethods(network),
      ...readMethods(network),
    }),
  )
  return (request) => {
    const role = roles[request.host]
    if (role === undefined) return elsewhere(network, request)
    if (!request.path.startsWith('/xrpc/'))
      return settled(refusal(404, 'NotFound', `Cannot ${request.method} ${request.path}`))
    const name = request.path.slice('/xrpc/'.length)
    if (name === '_health') return settled(ok({ version: 'belfry-sandbox' }))
    const method = methods.get(name)
    if (!method?.hosts.includes(role)) {
      return settled(
        refusal(501, 'MethodNotImplemented', 'Method Not Implemented'),
        `unknown method ${name} at ${request.host}`,
      )
    }
    return read(network, method, request)
  }
}

/** Directory, handle verification, and hosts that this network does not have. */
function elsewhere({ state }: Network, { host, path, method }: VendorRequest): Call {
  if (host === 'plc.directory' && method === 'GET') {
    const did = decodeURIComponent(path.slice(1))
    const account = state.accounts.get(did)
    const absent = {
      status: 404,
      contentType: 'application/json',
      body: JSON.stringify({ message: `DID not registered: ${did}` }),
    }
    return settled(account ? { ...ok(didDocument(account)), contentType: 'application/did+ld+json' } : absent)
  }
  const account = state.byHandle.get(host)
  if (account && path === '/.well-known/atproto-did') {
    return settled({ status: 200, contentType: 'text/plain', body: account.did })
  }
  return settled(
    refusal(404, 'NotFound', `The sandbox has no ${host} (its PDS is ${pdsHost}, its handles end in ${handleDomain})`),
  )
}

function settled(reply: VendorReply, problem: string | null = reply.status < 400 ? null : messageOf(reply)): Call {
  return {
    kind: 'other',
    userId: null,
    problem,
    canDisturb: () => false,
    disturb: async () => {},
    answer: async () => reply,
  }
}

function read(network: Network, method: Method, request: VendorRequest): Call {
  const { input, refused } = inputOf(method, request)
  const authorization = request.headers.authorization
  const claims = method.auth === 'none' ? null : claimsOf(network, authorization)
  const userId = claims?.sub ?? (refused ? null : (method.subject?.(input) ?? null))
  const account = userId === null ? null : (network.state.accounts.get(userId) ?? null)
  return {
    kind: method.kind,
    userId,
    problem: refused ? messageOf(refused) : null,
    canDisturb: (disturbance) =>
      method.disturbs?.includes(disturbance) === true && changes(disturbance, account, claims, input),
    disturb: (disturbance) => disturb(network, disturbance, account!, input),
    async answer() {
      // The real one looks at a query before the login, at a body after it.
      if (refused && method.http === 'GET') return refused
      const closed = method.auth === 'none' ? null : loginProblem(network, method.auth, authorization, claims)
      return closed ?? refused ?? method.answer({ request, input, account, tokenId: claims?.jti ?? null })
    },
  }
}

function changes(disturbance: Disturbance, account: Account | null, claims: Claims | null, input: JsonObject): boolean {
  if (!account || account.revoked) return false
  if (disturbance === 'revoke_token') return true
  if (claims?.scope !== accessScope || claims.serial <= account.expiredUpTo) return false
  return disturbance === 'expire_token' || lostBy(account, input).length > 0
}

async function disturb(network: Network, disturbance: Disturbance, account: Account, input: JsonObject): Promise<void> {
  const { did } = account
  switch (disturbance) {
    case 'expire_token':
      return network.commit({ is: 'tokens_expired', did, upTo: account.serial })
    case 'revoke_token':
      return network.commit({ is: 'revoked', did })
    case 'lose_media':
      return network.commit({ is: 'blobs_lost', did, cids: lostBy(account, input) })
  }
}

function lostBy(account: Account, input: JsonObject): string[] {
  return blobRefs(input['record']).flatMap(({ ref }) => (account.blobs.has(ref.$link) ? [ref.$link] : []))
}

interface Input {
  input: JsonObject
  refused: VendorReply | null
}

function no(refused: VendorReply): Input {
  return { input: {}, refused }
}

function yes(input: JsonObject): Input {
  return { input, refused: null }
}

/** The query or body, and the PDS's refusal when it is not what the method takes. */
function inputOf(method: Method, request: VendorRequest): Input {
  if (request.method !== method.http && !(method.http === 'GET' && request.method === 'HEAD')) {
    return no(invalid(`Incorrect HTTP method (${request.method}) expected ${method.http}`))
  }
  const read = method.http === 'GET' ? queryOf(method, request) : bodyOf(method, request)
  if (read.refused) return read
  const problem = method.check?.(read.input) ?? null
  return problem === null ? read : no(invalid(problem))
}

function queryOf({ query = {} }: Method, request: VendorRequest): Input {
  const input: JsonObject = {}
  for (const [name, type] of Object.entries(query)) {
    if (!request.query.has(name)) continue
    const value = request.query.get(name)!
    if (type === 'list') input[name] = request.query.getAll(name)
    else if (type === 'integer') input[name] = /^-?\d+$/.test(value) ? Number(value) : value
    else if (type === 'boolean') input[name] = value === 'true' ? true : value === 'false' ? false : value
    else input[name] = value
  }
  return yes(input)
}

function bodyOf({ body = 'json' }: Method, request: VendorRequest): Input {
  if (body === 'none') {
    return request.body.length === 0 ? yes({}) : no(invalid('A request body was provided when none was expected'))
  }
  if (request.body.length === 0) return no(invalid('A request body is expected but none was provided'))
  const type = request.headers['content-type']
  if (!type) return no(invalid('Request encoding (Content-Type) required but not provided'))
  if (body === 'bytes') return yes({})
  if (!/^application\/json\s*(;|$)/i.test(type)) return no(invalid(`Wrong request encoding (Content-Type): ${type}`))
  if (request.body.length > maxJsonBytes) return no(refusal(413, 'PayloadTooLarge', 'request entity too large'))
  try {
    const value: unknown = JSON.parse(request.body.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? yes(value as JsonObject)
      : no(invalid('Input must be an object'))
  } catch (error) {
    return no(invalid((error as Error).message))
  }
}

function messageOf(reply: VendorReply): string {
  return (JSON.parse(String(reply.body)) as { message: string }).message
}
