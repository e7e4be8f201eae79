/** Which addresses of media a post may name. What a name resolves to is checked when it is fetched (security/outbound.ts). */
export interface MediaUrlRules {
  /** Lifts the rules about hosts, for development and closed networks. */
  allowPrivateNetwork: boolean
  /** Root of Belfry's own media addresses: always accepted, whatever its host. Null: there is none. */
  ownMediaBase: string | null
}

/** What is wrong with one address, to be read after the name of its field; null when nothing is. */
export function mediaUrlProblem(address: string, rules: MediaUrlRules): string | null {
  const url = URL.parse(address)
  if (!url) return `"${shortened(address)}" is not a URL.`
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `has the scheme "${url.protocol.slice(0, -1)}"; it takes http or https.`
  }
  if (url.username !== '' || url.password !== '') return 'holds a user name or password; leave them out.'
  if (isOwn(url, rules.ownMediaBase) || rules.allowPrivateNetwork) return null
  return hostProblem(url.hostname)
}

// The URL parser has already turned every other spelling of an IPv4 address (127.1, 0x7f000001 …) into this one.
const ipv4 = /^\d{1,3}(\.\d{1,3}){3}$/

function hostProblem(hostname: string): string | null {
  const host = hostname.replace(/\.+$/, '')
  if (host === '') return 'has no host.'
  if (host.startsWith('[') || ipv4.test(host)) return `names the IP address ${host}; it takes a public host name.`
  if (host === 'localhost' || host.endsWith('.localhost') || host === 'localhost.localdomain') {
    return `names ${host}, which is not public.`
  }
  return null
}

function isOwn(url: URL, ownMediaBase: string | null): boolean {
  const base = ownMediaBase === null ? null : URL.parse(ownMediaBase)
  if (!base || base.origin !== url.origin) return false
  const root = base.pathname.endsWith('/') ? base.pathname : `${base.pathname}/`
  return url.pathname.startsWith(root)
}

const shownLength = 80

function shortened(text: string): string {
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text
}
