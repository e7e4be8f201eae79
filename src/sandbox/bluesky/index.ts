import type { Emulator, EmulatorTools } from '../emulator.ts'
import { createAccount } from './accounts.ts'
import { cardOf } from './card.ts'
import { createNetwork } from './network.ts'
import { limitHeaders, tooMany } from './rate-limits.ts'
import { createReader } from './reader.ts'
import { refusal } from './xrpc.ts'

/** Bluesky: the entryway, one PDS for all accounts, what an adapter reads of the AppView and the PLC directory. */
export function createBluesky(tools: EmulatorTools): Emulator {
  const network = createNetwork(tools)
  return {
    platform: 'bluesky',
    replay: network.replay,
    createAccount: (username) => createAccount(network, username),
    read: createReader(network),
    refuse(trouble, retryAfterS) {
      switch (trouble) {
        case 'rate_limit':
          return tooMany(limitHeaders({ points: 3000, seconds: 300 }, 0, tools.clock.nowMs() + retryAfterS * 1000))
        case 'server_error':
          return refusal(500, 'InternalServerError', 'Internal Server Error')
        case 'reject_content':
          return refusal(
            400,
            'InvalidRequest',
            'Invalid app.bsky.feed.post record: refused by the sandbox at $.record.text',
          )
      }
    },
    card: (post) => cardOf(post, network.state.accounts.get(post.user_id)?.handle ?? post.user_id),
    clear() {
      for (const account of network.state.accounts.values()) {
        account.records.clear()
        account.commit = null
      }
    },
  }
}
