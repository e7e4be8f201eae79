import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'

const decoders: Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

/**
 * A body as it was meant. We ask for plain bytes; a server that compresses all the same is undone here, and what
 * comes out is held to the same limit (a few kilobytes can unfold into gigabytes).
 * @throws with code `ERR_BUFFER_TOO_LARGE` beyond `maxBytes`, and for anything that cannot be decoded
 */
export async function decodeBody(body: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? ''
  if (name === '' || name === 'identity' || body.length === 0) return body
  const decode = decoders[name]
  if (!decode) throw new Error(`unknown content encoding ${name}`)
  return decode(body, { maxOutputLength: maxBytes })
}
