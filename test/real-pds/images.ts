import { crc32, deflateSync } from 'node:zlib'

/** A real PNG of one colour: 8-bit RGB, `shade` from 0 to 255. */
export function png(width: number, height: number, shade: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  // Each row starts with its filter, 0 = none.
  const row = Buffer.concat([Buffer.of(0), Buffer.alloc(width * 3, shade)])
  const rows = Buffer.concat(Array.from({ length: height }, () => row))
  const signature = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND')])
}

/**
 * A real baseline JPEG, mid-grey. Its Huffman tables know one symbol each, so that every 8 x 8 block is two zero
 * bits: no change in brightness, end of block.
 */
export function jpeg(width: number, height: number): Buffer {
  const blocks = Math.ceil(width / 8) * Math.ceil(height / 8)
  const bits = '00'.repeat(blocks)
  const padded = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1')
  const scan = Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [])
  const oneSymbol = [1, ...Array<number>(15).fill(0), 0]
  const frame = Buffer.alloc(9)
  frame.writeUInt8(8, 0)
  frame.writeUInt16BE(height, 1)
  frame.writeUInt16BE(width, 3)
  frame.set([1, 1, 0x11], 5)
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    segment(0xdb, Buffer.from([0, ...Array<number>(64).fill(1)])),
    segment(0xc0, frame.subarray(0, 9)),
    segment(0xc4, Buffer.from([0x00, ...oneSymbol])),
    segment(0xc4, Buffer.from([0x10, ...oneSymbol])),
    segment(0xda, Buffer.of(1, 1, 0x00, 0, 63, 0)),
    scan,
    Buffer.of(0xff, 0xd9),
  ])
}

/** The same JPEG, taken with the camera turned by a quarter (Exif orientation 6) and with `secret` in its Exif. */
export function turnedJpeg(image: Buffer, secret: string): Buffer {
  const text = Buffer.from(`${secret}\0`)
  const tiff = Buffer.alloc(38 + text.length)
  tiff.write('MM\0*', 'latin1')
  tiff.writeUInt32BE(8, 4)
  tiff.writeUInt16BE(2, 8)
  // Each entry: tag, type, count, value or where it lies. ImageDescription is text (2), Orientation a short (3).
  tiff.writeUInt16BE(0x010e, 10)
  tiff.writeUInt16BE(2, 12)
  tiff.writeUInt32BE(text.length, 14)
  tiff.writeUInt32BE(38, 18)
  tiff.writeUInt16BE(0x0112, 22)
  tiff.writeUInt16BE(3, 24)
  tiff.writeUInt32BE(1, 26)
  tiff.writeUInt16BE(6, 30)
  text.copy(tiff, 38)
  const exif = segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), tiff]))
  return Buffer.concat([image.subarray(0, 2), exif, image.subarray(2)])
}

function chunk(type: string, data: Buffer = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(data.length)
  const check = Buffer.alloc(4)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}

function segment(marker: number, data: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(data.length + 2)
  return Buffer.concat([Buffer.of(0xff, marker), length, data])
}
