import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exif, jpeg, jpegSegment, png, pngChunk } from '../../test/contract/images.ts'
import { isVideo, readImageHeader } from './image-header.ts'
import { withoutPersonalData } from './image-privacy.ts'

function gif(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(13)
  bytes.write('GIF89a', 'latin1')
  bytes.writeUInt16LE(width, 6)
  bytes.writeUInt16LE(height, 8)
  return bytes
}

function riff(...chunks: Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from('WEBP'), ...chunks])
  const head = Buffer.from('RIFF\0\0\0\0', 'latin1')
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body])
}

function webpChunk(name: string, data: Buffer): Buffer {
  const head = Buffer.from(`${name}\0\0\0\0`, 'latin1')
  head.writeUInt32LE(data.length, 4)
  return Buffer.concat([head, data, Buffer.alloc(data.length % 2)])
}

function vp8x(width: number, height: number, flags = 0): Buffer {
  const data = Buffer.alloc(10)
  data[0] = flags
  data.writeUIntLE(width - 1, 4, 3)
  data.writeUIntLE(height - 1, 7, 3)
  return webpChunk('VP8X', data)
}

function vp8(width: number, height: number): Buffer {
  const data = Buffer.from([0, 0, 0, 0x9d, 0x01, 0x2a, 0, 0, 0, 0])
  data.writeUInt16LE(width, 6)
  data.writeUInt16LE(height, 8)
  return webpChunk('VP8 ', data)
}

function vp8l(width: number, height: number): Buffer {
  const data = Buffer.alloc(10)
  data[0] = 0x2f
  data.writeUInt32LE((width - 1) | ((height - 1) << 14), 1)
  return webpChunk('VP8L', data)
}

const images: [string, Buffer, string][] = [
  ['a PNG', png(300, 200), 'image/png'],
  ['a GIF', gif(300, 200), 'image/gif'],
  ['a JPEG', jpeg(300, 200), 'image/jpeg'],
  ['a JPEG with filling before a marker', jpeg(300, 200, Buffer.from([0xff, 0xff])), 'image/jpeg'],
  ['a lossy WebP', riff(vp8(300, 200)), 'image/webp'],
  ['a lossless WebP', riff(vp8l(300, 200)), 'image/webp'],
  ['an extended WebP', riff(vp8x(300, 200)), 'image/webp'],
]
for (const [name, bytes, type] of images) {
  test(`${name} of 300 × 200 is known by its bytes`, () => {
    assert.deepEqual(readImageHeader(bytes), { type, width: 300, height: 200, orientation: 1 })
    assert.equal(isVideo(bytes), false)
    assert.equal(withoutPersonalData(bytes, readImageHeader(bytes)!), bytes, 'the very same bytes')
  })
}

test('a photo lying on its side is measured standing', () => {
  for (const order of ['II', 'MM'] as const) {
    for (let orientation = 1; orientation <= 8; orientation += 1) {
      const header = readImageHeader(jpeg(300, 200, exif(orientation, order)))!
      const [width, height] = orientation >= 5 ? [200, 300] : [300, 200]
      assert.deepEqual(header, { type: 'image/jpeg', width, height, orientation })
    }
  }
})

test('a cleaned photo shows the same picture and tells nothing else', () => {
  const secret = Buffer.from('SECRET PLACE')
  for (let orientation = 1; orientation <= 8; orientation += 1) {
    const second = jpeg(10, 10, exif(1))
    const icc = jpegSegment(0xe2, Buffer.from('ICC_PROFILE\0kept', 'latin1'))
    const photo = Buffer.concat([
      jpeg(
        300,
        200,
        exif(orientation),
        jpegSegment(0xe1, Buffer.concat([Buffer.from('http://ns.adobe.com/xap/1.0/\0'), secret])),
        jpegSegment(0xed, secret),
        jpegSegment(0xe2, Buffer.concat([Buffer.from('MPF\0', 'latin1'), secret])),
        icc,
      ),
      second,
    ])
    const header = readImageHeader(photo)!
    const clean = withoutPersonalData(photo, header)
    assert.ok(!clean.includes(secret))
    assert.deepEqual(readImageHeader(clean), header)
    assert.ok(clean.includes('ICC_PROFILE') && clean.includes('JFIF'))
    assert.deepEqual(clean.subarray(-9), jpeg(1, 1).subarray(-9), 'it ends where the picture ends')
    assert.equal(withoutPersonalData(clean, header).includes(secret), false)
  }
})

test('a PNG and a WebP lose the same', () => {
  const secret = Buffer.from('SECRET PLACE')
  const plain = png(30, 20)
  const withText = Buffer.concat([
    plain.subarray(0, 33),
    pngChunk('eXIf', secret),
    pngChunk('iTXt', Buffer.concat([Buffer.from('XML:com.adobe.xmp\0\0\0\0\0', 'latin1'), secret])),
    pngChunk('tEXt', Buffer.from('Software\0kept', 'latin1')),
    plain.subarray(33),
    secret,
  ])
  const cleanPng = withoutPersonalData(withText, readImageHeader(withText)!)
  assert.ok(!cleanPng.includes(secret) && cleanPng.includes('Software'))
  assert.equal(cleanPng.length, plain.length + 12 + 'Software\0kept'.length)

  const webp = riff(vp8x(30, 20, 0x1c), vp8(30, 20), webpChunk('EXIF', secret), webpChunk('XMP ', secret))
  const cleanWebp = withoutPersonalData(webp, readImageHeader(webp)!)
  assert.deepEqual(cleanWebp, riff(vp8x(30, 20, 0x10), vp8(30, 20)))
})

test('films are known by their bytes', () => {
  const start = (text: string) => Buffer.from(text, 'latin1')
  for (const film of [
    '\0\0\0\x20ftypisom\0\0\x02\0',
    '\0\0\0\x14ftypqt  \0\0',
    '\x1aE\xdf\xa3\x01\0\0\0\0\0\0#',
    'RIFF\0\0\0\0AVI LIST',
  ]) {
    assert.equal(isVideo(start(film)), true)
    assert.equal(readImageHeader(start(film)), null)
  }
  assert.equal(isVideo(start('\0\0\0\x1cftypavif\0\0\0\0')), false)
})

test('broken bytes never throw, whatever is cut off or changed', () => {
  const samples = [...images.map(([, bytes]) => bytes), jpeg(300, 200, exif(6))]
  fc.assert(
    fc.property(
      fc.constantFrom(...samples),
      fc.nat(),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 5 }),
      (sample, cut, changes) => {
        const bytes = Buffer.from(sample.subarray(0, cut % (sample.length + 1)))
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value
        const header = readImageHeader(bytes)
        isVideo(bytes)
        if (header) withoutPersonalData(bytes, header)
      },
    ),
    { numRuns: 3000 },
  )
})
