/** Where a platform's requests really go: the vendor, a sandbox, or an address from the configuration. */
import type { PlatformName } from '../model/platform.ts'
import type { Outbound } from '../security/outbound.ts'
import { vendorOrigins } from './registry.ts'

export interface Origins {
  /** Serves `https://H/P` of every platform at `{sandboxUrl}/{platform}/H/P`. Null: there is none. */
  readonly sandboxUrl: string | null
  /** Addresses that replace a vendor's API origin. */
  readonly baseUrls: Readonly<Partial<Record<PlatformName, string>>>
}

/**
 * A door for one platform's adapter, which always writes the vendor's true addresses. With a sandbox every host goes
 * there, learned ones too; with a base URL the vendor's own origin is replaced and other hosts stay as they are.
 */
export function platformOutbound(parts: { outbound: Outbound; platform: PlatformName; origins: Origins }): Outbound {
  const { outbound, platform, origins } = parts
  return {
    request: (request) => outbound.request({ ...request, url: rewritten(request.url, platform, origins) }),
  }
}

/** Where accounts of this platform live: `sandbox`, or the base URL of the real platform. */
export function originLabel(platform: PlatformName, origins: Origins): string {
  if (origins.sandboxUrl !== null) return 'sandbox'
  return origins.baseUrls[platform] ?? vendorOrigins[platform]
}

function rewritten(address: string, platform: PlatformName, { sandboxUrl, baseUrls }: Origins): string {
  const url = new URL(address)
  const path = `${url.pathname}${url.search}`
  if (sandboxUrl !== null) return `${withoutSlash(sandboxUrl)}/${platform}/${url.host}${path}`
  const base = baseUrls[platform]
  return base !== undefined && url.origin === vendorOrigins[platform] ? `${withoutSlash(base)}${path}` : address
}

function withoutSlash(address: string): string {
  return address.replace(/\/+$/, '')
}
