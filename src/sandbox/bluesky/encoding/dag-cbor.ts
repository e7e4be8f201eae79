import type { Json } from '../../../model/platform.ts'
import { cidBytes } from './cid.ts'

/**
 * A JSON value of the atproto data model as deterministic DAG-CBOR: shortest integers, map keys by length,
 * then by bytes; `{"$link"}` is tag 42 and `{"$bytes"}` a byte string.
 * @see https://ipld.io/specs/codecs/dag-cbor/spec/
 * @throws {RangeError} for what the data model has no place for: fractions, unsafe integers, bad links
 */
export function dagCbor(value: Json): Buffer {
  const parts: Uint8Array[] = []
  write(value, parts)
  return Buffer.concat(parts)
}

function write(value: Json, parts: Uint8Array[]): void {
  if (value === null) parts.push(Buffer.from([0xf6]))
  else if (typeof value === 'boolean') parts.push(Buffer.from([value ? 0xf5 : 0xf4]))
  else if (typeof value === 'number') writeInteger(value, parts)
  else if (typeof value === 'string') writeText(value, parts)
  else if (Array.isArray(value)) {
    parts.push(head(4, value.length))
    for (const item of value) write(item, parts)
  } else if ('$link' in value) writeLink(value['$link'], parts)
  else if ('$bytes' in value) writeBytes(value['$bytes'], parts)
  else writeMap(value, parts)
}

function writeInteger(value: number, parts: Uint8Array[]): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`)
  parts.push(value >= 0 ? head(0, value) : head(1, -1 - value))
}

function writeText(text: string, parts: Uint8Array[]): void {
  const bytes = Buffer.from(text, 'utf8')
  parts.push(head(3, bytes.length), bytes)
}

function writeLink(link: Json | undefined, parts: Uint8Array[]): void {
  const bytes = typeof link === 'string' ? cidBytes(link) : null
  if (!bytes) throw new RangeError('$link is not a CID')
  parts.push(Buffer.from([0xd8, 42]), head(2, bytes.length + 1), Buffer.from([0]), bytes)
}

function writeBytes(text: Json | undefined, parts: Uint8Array[]): void {
  if (typeof text !== 'string') throw new RangeError('$bytes is not base64')
  const bytes = Buffer.from(text, 'base64')
  parts.push(head(2, bytes.length), bytes)
}

function writeMap(map: { [key: string]: Json }, parts: Uint8Array[]): void {
  const keys = Object.keys(map)
    .map((key) => ({ key, bytes: Buffer.from(key, 'utf8') }))
    .sort((one, other) => one.bytes.length - other.bytes.length || Buffer.compare(one.bytes, other.bytes))
  parts.push(head(5, keys.length))
  for (const { key, bytes } of keys) {
    parts.push(head(3, bytes.length), bytes)
    write(map[key]!, parts)
  }
}

/** Major type and count or value, in as few bytes as it takes. */
function head(major: number, count: number): Buffer {
  const type = major << 5
  if (count < 24) return Buffer.from([type | count])
  if (count < 0x100) return Buffer.from([type | 24, count])
  if (count < 0x10000) return Buffer.from([type | 25, count >>> 8, count & 255])
  const long = Buffer.alloc(count < 0x100000000 ? 5 : 9)
  long[0] = type | (long.length === 5 ? 26 : 27)
  if (long.length === 5) long.writeUInt32BE(count, 1)
  else long.writeBigUInt64BE(BigInt(count), 1)
  return long
}
