import { sniffMime } from '../mime.ts'
import { cidOf } from './encoding/cid.ts'
import type { Network } from './network.ts'
import { type Method, ok, refusal } from './xrpc.ts'

/** Largest upload of any kind, in bytes; what a record may name is limited by its own schema. Many PDSes take 50 MB. */
export const maxUploadBytes = 100_000_000

export function uploadMethods(network: Network): Record<string, Method> {
  return {
    'com.atproto.repo.uploadBlob': {
      http: 'POST',
      kind: 'upload',
      hosts: ['entryway', 'pds'],
      auth: 'access',
      body: 'bytes',
      disturbs: ['expire_token', 'revoke_token'],
      async answer({ request, account }) {
        const { body, headers } = request
        const metered = network.meters.uploads.use(account!.did, 1)
        if (metered.refused) return metered.refused
        if (body.length > maxUploadBytes) return refusal(413, 'PayloadTooLarge', 'request entity too large')
        // The bytes win over the header (observed on a real PDS).
        const mimeType = sniffMime(body) ?? headers['content-type']!.split(';')[0]!.trim().toLowerCase()
        const cid = cidOf(body, 'raw')
        await network.tools.blobs.put(body)
        const size = body.length
        await network.commit({ is: 'blob', did: account!.did, cid, mimeType, size })
        return ok({ blob: { $type: 'blob', ref: { $link: cid }, mimeType, size } }, metered.headers)
      },
    },
  }
}
