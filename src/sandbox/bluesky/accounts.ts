import { randomBytes } from 'node:crypto'
import type { ReadyAccount, Unusable } from '../emulator.ts'
import { isHandle } from './lexicon/formats.ts'
import { handleDomain, type Network, newAppPassword, newDid } from './network.ts'
import { openSession } from './sessions.ts'
import { accessSeconds, refreshSeconds } from './tokens.ts'

const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan', 'judy']

/**
 * A new account, or the one that has this handle, with an open session. A revoked one gets a new app password;
 * tokens of before stay dead.
 * @param username a whole handle, or its first part (then under `.belfry-sandbox.test`); null: the next free one
 */
export async function createAccount(network: Network, username: string | null): Promise<ReadyAccount | Unusable> {
  const handle = username === null ? nextHandle(network) : handleOf(username)
  if (handle === null) {
    const takes = 'a handle such as alice.example.com, or its first part (letters, digits, hyphens)'
    return { problem: `username: got ${JSON.stringify(username)}; takes ${takes}` }
  }
  await makeAccount(network, handle)
  const account = network.state.byHandle.get(handle)!
  const session = await openSession(network, account)
  return {
    platform: 'bluesky',
    user_id: account.did,
    username: account.handle,
    access_token: session.accessJwt,
    refresh_token: session.refreshJwt,
    access_token_expires_at: new Date((network.nowS() + accessSeconds) * 1000).toISOString(),
    refresh_token_expires_at: new Date((network.nowS() + refreshSeconds) * 1000).toISOString(),
    metadata: { bluesky_app_password: account.appPassword },
  }
}

/** Nothing waits before both are applied: two calls at once must not take one name. */
async function makeAccount(network: Network, handle: string): Promise<void> {
  const { state, tools } = network
  const earlier = state.byHandle.get(handle)
  if (earlier && !earlier.revoked) return
  const written: Promise<void>[] = []
  if (state.secret === '') {
    written.push(network.commit({ is: 'secret', secret: randomBytes(32).toString('base64url') }))
  }
  const did = earlier?.did ?? newDid()
  const email = `${handle.replaceAll('.', '-')}@${handleDomain}`
  const at = tools.clock.now().toISOString()
  written.push(network.commit({ is: 'account', did, handle, email, appPassword: newAppPassword(), at }))
  await Promise.all(written)
}

function nextHandle({ state }: Network): string {
  for (let number = state.accounts.size + 1; ; number += 1) {
    const handle = `${names[(number - 1) % names.length]}-${number}.${handleDomain}`
    if (!state.byHandle.has(handle)) return handle
  }
}

function handleOf(username: string): string | null {
  const name = username.replace(/^@/, '').toLowerCase()
  const handle = name.includes('.') ? name : `${name}.${handleDomain}`
  return isHandle(handle) ? handle : null
}
