/** What an image says of itself in its first bytes: its type and its size as people see it. Pure. */

export interface ImageHeader {
  type: 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp'
  /** In pixels, after the rotation that the file asks for. */
  width: number
  height: number
  /** The rotation that the file asks for (EXIF, 1 to 8; 1: none). */
  orientation: number
}

/** Reads JPEG, PNG, GIF and WebP; null for anything else, or when the size cannot be found. */
export function readImageHeader(bytes: Buffer): ImageHeader | null {
  const header = readPng(bytes) ?? readGif(bytes) ?? readWebp(bytes) ?? readJpeg(bytes)
  return header && header.width > 0 && header.height > 0 ? header : null
}

/** True for the containers that videos come in: MP4 and QuickTime, WebM and Matroska, AVI. */
export function isVideo(bytes: Buffer): boolean {
  if (bytes.length < 12) return false
  const brand = ascii(bytes, 8, 4)
  if (ascii(bytes, 4, 4) === 'ftyp') return !['avif', 'avis', 'heic', 'heix', 'mif1', 'msf1'].includes(brand)
  return bytes.readUInt32BE(0) === 0x1a45dfa3 || (ascii(bytes, 0, 4) === 'RIFF' && brand === 'AVI ')
}

function ascii(bytes: Buffer, at: number, length: number): string {
  return bytes.toString('latin1', at, at + length)
}

/** @see https://www.w3.org/TR/png-3/#11IHDR */
function readPng(bytes: Buffer): ImageHeader | null {
  if (bytes.length < 24 || bytes.readUInt32BE(0) !== 0x89504e47 || ascii(bytes, 12, 4) !== 'IHDR') return null
  return { type: 'image/png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), orientation: 1 }
}

function readGif(bytes: Buffer): ImageHeader | null {
  if (bytes.length < 10 || !/^GIF8[79]a$/.test(ascii(bytes, 0, 6))) return null
  return { type: 'image/gif', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8), orientation: 1 }
}

/** @see https://developers.google.com/speed/webp/docs/riff_container (read 2026-11-24) */
function readWebp(bytes: Buffer): ImageHeader | null {
  if (bytes.length < 30 || ascii(bytes, 0, 4) !== 'RIFF' || ascii(bytes, 8, 4) !== 'WEBP') return null
  const type = 'image/webp'
  const orientation = 1
  switch (ascii(bytes, 12, 4)) {
    case 'VP8X':
      return { type, width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1, orientation }
    case 'VP8L': {
      if (bytes[20] !== 0x2f) return null
      const bits = bytes.readUInt32LE(21)
      return { type, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1, orientation }
    }
    case 'VP8 ':
      if (bytes.readUIntBE(23, 3) !== 0x9d012a) return null
      return { type, width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff, orientation }
    default:
      return null
  }
}

/** Frames (SOF) of every kind; C4, C8 and CC are tables. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
}

function readJpeg(bytes: Buffer): ImageHeader | null {
  if (bytes.length < 4 || bytes.readUIntBE(0, 3) !== 0xffd8ff) return null
  let orientation = 1
  for (const { marker, start, end } of jpegSegments(bytes)) {
    if (marker === 0xe1 && ascii(bytes, start + 4, 6) === 'Exif\0\0') {
      orientation = readOrientation(bytes.subarray(start + 10, end)) ?? orientation
    }
    if (!isFrame(marker) || end - start < 9) continue
    const height = bytes.readUInt16BE(start + 5)
    const width = bytes.readUInt16BE(start + 7)
    const turned = orientation >= 5
    return { type: 'image/jpeg', width: turned ? height : width, height: turned ? width : height, orientation }
  }
  return null
}

export interface JpegSegment {
  marker: number
  /** Where its marker begins. */
  start: number
  /** Where the next one begins. */
  end: number
}

/** The segments before the picture data; the last one is the start of it (SOS, 0xda). Ends early on broken bytes. */
export function* jpegSegments(bytes: Buffer): Generator<JpegSegment> {
  let at = 2
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!
    // Any number of 0xff may fill the space before a marker.
    if (marker === 0xff) {
      at += 1
      continue
    }
    const end = at + 2 + bytes.readUInt16BE(at + 2)
    if (end > bytes.length || end < at + 4) return
    yield { marker, start: at, end }
    if (marker === 0xda) return
    at = end
  }
}

/** The orientation tag of a TIFF structure, 1 to 8; null when there is none. */
function readOrientation(tiff: Buffer): number | null {
  if (tiff.length < 14) return null
  const order = ascii(tiff, 0, 2)
  if (order !== 'II' && order !== 'MM') return null
  const short = (at: number) => (order === 'II' ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at))
  const directory = order === 'II' ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4)
  if (directory + 2 > tiff.length) return null
  const entries = short(directory)
  for (let entry = 0; entry < entries; entry += 1) {
    const at = directory + 2 + entry * 12
    if (at + 12 > tiff.length) return null
    if (short(at) !== 0x0112) continue
    const value = short(at + 8)
    return value >= 1 && value <= 8 ? value : null
  }
  return null
}
