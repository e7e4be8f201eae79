import type { Platform } from '../platform.ts'
import { connectByToken } from './connect.ts'
import { check, cut, limits } from './limits.ts'
import { find, publish } from './publish.ts'
import { appPasswordField, refresh } from './session.ts'
import { expiryOf } from './wire.ts'

/** Bluesky and every other server of the AT Protocol. */
export const bluesky: Platform = {
  limits,
  recovery: { post: 'native-key' },
  secretMetadata: [appPasswordField],
  check,
  cut,
  connectByToken,
  expiresAt: ({ accessToken }, storedExpiresAt) => expiryOf(accessToken) ?? storedExpiresAt,
  refresh,
  publish,
  find,
}
