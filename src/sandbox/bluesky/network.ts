import { randomBytes } from 'node:crypto'
import type { Json, JsonObject } from '../../model/platform.ts'
import type { EmulatorTools } from '../emulator.ts'
import { base32, cidOf } from './encoding/cid.ts'
import { dagCbor } from './encoding/dag-cbor.ts'
import { createTids } from './encoding/tid.ts'
import { postCollection } from './lexicon/record-check.ts'
import { postOf } from './published.ts'
import { createMeter, loginLimits, type Meter, uploadLimits, writeLimits } from './rate-limits.ts'
import { type Account, applyEntry, type Commit, type Entry, emptyState, type State } from './state.ts'

export const pdsHost = 'pds.belfry-sandbox.test'
export const handleDomain = 'belfry-sandbox.test'

/** The emulated network as its methods see it. */
export interface Network {
  state: State
  tools: EmulatorTools
  nowS(): number
  nextTid(): string
  /** Makes it happen, then resolves once the journal has it. */
  commit(entry: Entry): Promise<void>
  meters: { login: Meter; writes: Meter; uploads: Meter }
}

export interface ReplayableNetwork extends Network {
  replay(entry: JsonObject): void
}

export function createNetwork(tools: EmulatorTools): ReplayableNetwork {
  const state = emptyState()
  const { nowMs } = tools.clock

  function apply(entry: Entry): void {
    applyEntry(state, entry)
    if (entry.is === 'write' && entry.collection === postCollection) {
      tools.timeline.replace(postOf(entry))
    }
    if (entry.is === 'delete') tools.timeline.remove('bluesky', `at://${entry.did}/${entry.collection}/${entry.rkey}`)
  }

  return {
    state,
    tools,
    nowS: () => Math.floor(nowMs() / 1000),
    nextTid: createTids(nowMs),
    commit(entry) {
      apply(entry)
      return tools.record({ platform: 'bluesky', ...(entry as JsonObject) })
    },
    replay: (entry) => apply(entry as unknown as Entry),
    meters: {
      login: createMeter(loginLimits, nowMs),
      writes: createMeter(writeLimits, nowMs),
      uploads: createMeter(uploadLimits, nowMs),
    },
  }
}

/** The head that a repository gets by a write: unsigned, else built as the real one. */
export function nextCommit({ nextTid }: Network, account: Account, data: Json): Commit {
  const rev = nextTid()
  const tree = cidOf(dagCbor(data), 'dag-cbor')
  return {
    rev,
    cid: cidOf(dagCbor({ did: account.did, version: 3, data: { $link: tree }, rev, prev: null }), 'dag-cbor'),
  }
}

/** 24 characters of base32 from 15 random bytes. */
export function newDid(): string {
  return `did:plc:${base32(randomBytes(15))}`
}

/** `xxxx-xxxx-xxxx-xxxx` */
export function newAppPassword(): string {
  return base32(randomBytes(10)).replace(/(.{4})(?=.)/g, '$1-')
}

/** @see https://atproto.com/specs/did */
export function didDocument(account: Account): JsonObject {
  return {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: account.did,
    alsoKnownAs: [`at://${account.handle}`],
    verificationMethod: [],
    service: [{ id: '#atproto_pds', type: 'AtprotoPersonalDataServer', serviceEndpoint: `https://${pdsHost}` }],
  }
}
