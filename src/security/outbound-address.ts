/** Which addresses a guarded request may reach. Pure. */
import ipaddr from 'ipaddr.js'

/** `public`: anyone may be sent there. `private`: loopback and closed networks. `never`: link-local and cloud metadata. */
export type Reach = 'public' | 'private' | 'never'

/**
 * Where an IP address leads. Addresses that carry an IPv4 address (v4-mapped, NAT64) count as that one; every kind
 * that is not plain public unicast is private, unknown text too.
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry/ (as `ipaddr.js` 2.5.0 knows it)
 */
export function reachOf(address: string): Reach {
  if (!ipaddr.isValid(address)) return 'private'
  return reach(ipaddr.process(address))
}

// Alibaba's metadata service; those of others are link-local, but for AWS on IPv6.
const metadata = new Set(['100.100.100.200', 'fd00:ec2::254', 'fd20:ce::254'])
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]
const nat64: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('64:ff9b::'), 96]
const documentation: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('3fff::'), 20]

function reach(address: ipaddr.IPv4 | ipaddr.IPv6): Reach {
  if (metadata.has(address.toString()) || address.range() === 'linkLocal') return 'never'
  if (address instanceof ipaddr.IPv4) return address.range() === 'unicast' ? 'public' : 'private'
  const bytes = address.toByteArray()
  // Networks without IPv4 reach all of it through this prefix (RFC 6052).
  if (address.match(...nat64)) return reach(new ipaddr.IPv4(bytes.slice(12)))
  // What a 6to4 address (RFC 3056) carries is where its packets go.
  if (address.range() === '6to4' && reach(new ipaddr.IPv4(bytes.slice(2, 6))) === 'never') return 'never'
  const isPublic = address.range() === 'unicast' && address.match(...globalUnicast) && !address.match(...documentation)
  return isPublic ? 'public' : 'private'
}

/** The IP address that a URL's host is; null when it is a name. */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.replace(/\.$/, '')
  return ipaddr.isValid(bare) ? bare : null
}
