/** Takes out what an image tells of its maker: EXIF (with the place), XMP and IPTC. The picture stays as it is. Pure. */
import { type ImageHeader, jpegSegments } from './image-header.ts'

/** The image without personal data, still turned as it asks for. The very same bytes when it holds none. */
export function withoutPersonalData(bytes: Buffer, { type, orientation }: ImageHeader): Buffer {
  switch (type) {
    case 'image/jpeg':
      return cleanJpeg(bytes, orientation)
    case 'image/png':
      return cleanPng(bytes)
    case 'image/webp':
      return cleanWebp(bytes)
    case 'image/gif':
      return bytes
  }
}

function cleanJpeg(bytes: Buffer, orientation: number): Buffer {
  const parts: Buffer[] = [bytes.subarray(0, 2)]
  if (orientation !== 1) parts.push(orientationSegment(orientation))
  let dropped = false
  for (const { marker, start, end } of jpegSegments(bytes)) {
    if (marker === 0xda) {
      if (!dropped) return bytes
      return Buffer.concat([...parts, bytes.subarray(start, endOfPicture(bytes, end))])
    }
    if (isPersonal(bytes, marker, start)) dropped = true
    else parts.push(bytes.subarray(start, end))
  }
  return bytes
}

/** APP1: EXIF and XMP. APP13: IPTC. An APP2 with `MPF` points to further pictures behind this one, with their own EXIF. */
function isPersonal(bytes: Buffer, marker: number, start: number): boolean {
  return (
    marker === 0xe1 ||
    marker === 0xed ||
    (marker === 0xe2 && bytes.toString('latin1', start + 4, start + 8) === 'MPF\0')
  )
}

/** Where the picture ends; what lies behind it (a film, a second picture) is not part of it. */
function endOfPicture(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(0xff, from)
  while (at !== -1 && at + 1 < bytes.length) {
    const marker = bytes[at + 1]!
    if (marker === 0xd9) return at + 2
    // 0xff00 is a plain byte, d0 to d7 are marks for restarting, 0xff is filling; the rest are segments.
    const isData = marker === 0 || (marker >= 0xd0 && marker <= 0xd7)
    const isSegment = !isData && marker !== 0xff && at + 4 <= bytes.length
    const skip = isSegment ? 2 + bytes.readUInt16BE(at + 2) : marker === 0xff ? 1 : 2
    at = bytes.indexOf(0xff, at + skip)
  }
  return bytes.length
}

/** EXIF that holds nothing but the rotation. */
function orientationSegment(orientation: number): Buffer {
  const segment = Buffer.alloc(36)
  segment.writeUInt16BE(0xffe1, 0)
  segment.writeUInt16BE(34, 2)
  segment.write('Exif\0\0MM\0*', 4, 'latin1')
  segment.writeUInt32BE(8, 14)
  segment.writeUInt16BE(1, 18)
  // Tag, type SHORT, one value.
  segment.writeUInt16BE(0x0112, 20)
  segment.writeUInt16BE(3, 22)
  segment.writeUInt32BE(1, 24)
  segment.writeUInt16BE(orientation, 28)
  return segment
}

function cleanPng(bytes: Buffer): Buffer {
  const parts: Buffer[] = [bytes.subarray(0, 8)]
  let dropped = false
  let at = 8
  while (at + 12 <= bytes.length) {
    const end = at + 12 + bytes.readUInt32BE(at)
    if (end > bytes.length) return bytes
    const chunk = bytes.subarray(at, end)
    if (isPersonalChunk(chunk)) dropped = true
    else parts.push(chunk)
    at = chunk.toString('latin1', 4, 8) === 'IEND' ? bytes.length : end
  }
  return dropped ? Buffer.concat(parts) : bytes
}

function isPersonalChunk(chunk: Buffer): boolean {
  const name = chunk.toString('latin1', 4, 8)
  const keyword = chunk.toString('latin1', 8, 40)
  return name === 'eXIf' || (/^[tzi]TXt$/.test(name) && /^(XML:com\.adobe\.xmp|Raw profile type)/.test(keyword))
}

function cleanWebp(bytes: Buffer): Buffer {
  const parts: Buffer[] = []
  let dropped = false
  let at = 12
  while (at + 8 <= bytes.length) {
    const size = bytes.readUInt32LE(at + 4)
    const end = at + 8 + size + (size % 2)
    if (end > bytes.length) return bytes
    const name = bytes.toString('latin1', at, at + 4)
    if (name === 'EXIF' || name === 'XMP ') dropped = true
    else parts.push(Buffer.from(bytes.subarray(at, end)))
    at = end
  }
  if (!dropped) return bytes
  const [first] = parts
  // The flags that announce EXIF and XMP.
  if (first?.toString('latin1', 0, 4) === 'VP8X') first[8] = first[8]! & ~0x0c
  const head = Buffer.from(bytes.subarray(0, 12))
  head.writeUInt32LE(4 + parts.reduce((sum, part) => sum + part.length, 0), 4)
  return Buffer.concat([head, ...parts])
}
