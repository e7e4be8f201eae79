/** What a guarded request may be: checked before it is made, and again when its name was resolved. */
import type { LookupAddress, LookupOptions } from 'node:dns'
import { reachOf } from './outbound-address.ts'
import { OutboundError } from './outbound-error.ts'

/** Resolves a name, in the form that sockets take. */
export type Lookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void

/** @throws {OutboundError} when a request may not be made at all: scheme, port, login in the address */
export function checkUrl(url: URL, anyPort: boolean): void {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new OutboundError('bad_url', false, `The address has the scheme ${url.protocol} and not http or https.`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new OutboundError('bad_url', false, 'The address holds a user name or password.')
  }
  if (!anyPort && url.port !== '' && url.port !== '80' && url.port !== '443') {
    throw new OutboundError('bad_url', false, `The address has port ${url.port}; only 80 and 443 are allowed.`)
  }
}

/** @throws {OutboundError} `private_address` */
export function checkAddress(address: string, host: string, allowPrivateNetwork: boolean): void {
  const reach = reachOf(address)
  if (reach === 'public' || (reach === 'private' && allowPrivateNetwork)) return
  throw new OutboundError('private_address', false, `${host} is at an address that is not public.`)
}

/** A lookup that resolves a name and refuses it when any of its addresses is not allowed: the checked address is the dialled one. */
export function guardLookup(lookup: Lookup, allowPrivateNetwork: boolean): Lookup {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, '', 0)
      const addresses = found as LookupAddress[]
      try {
        for (const { address } of addresses) checkAddress(address, hostname, allowPrivateNetwork)
      } catch (refusal) {
        return callback(refusal as Error, '', 0)
      }
      const [first] = addresses
      if (options.all) callback(null, addresses)
      else callback(first ? null : new Error(`${hostname} has no address`), first?.address ?? '', first?.family ?? 0)
    })
  }
}
