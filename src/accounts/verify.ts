import type { Connected, Platform, TokenLogin } from '../platforms/platform.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import type { Outbound } from '../security/outbound.ts'
import { unverified, verifyMs } from './connect.ts'

/** Asks the platform whether a login works. Trouble with the network is no refusal: the login is kept unverified. */
export async function verifyLogin(
  login: TokenLogin,
  platform: Platform | null,
  tools: { http: Outbound; clock: Clock; log: Logger },
): Promise<Connected> {
  if (!platform?.connectByToken) return unverified
  try {
    return await platform.connectByToken(login, { ...tools, signal: AbortSignal.timeout(verifyMs) })
  } catch (error) {
    tools.log.warn({ err: error }, 'a login could not be verified')
    return unverified
  }
}
