/** What the first bytes say a file is; null: nothing that is known here. */
export function sniffMime(bytes: Buffer): string | null {
  const ascii = (from: number, to: number) => bytes.toString('latin1', from, to)
  if (ascii(0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png'
  if (ascii(0, 3) === '\xff\xd8\xff') return 'image/jpeg'
  if (ascii(0, 4) === 'GIF8') return 'image/gif'
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'image/webp'
  if (ascii(4, 8) === 'ftyp') return isoBrand(ascii(8, 12))
  if (ascii(0, 4) === '\x1a\x45\xdf\xa3') return 'video/webm'
  if (ascii(0, 5) === '%PDF-') return 'application/pdf'
  if (ascii(0, 6) === 'WEBVTT') return 'text/vtt'
  return null
}

function isoBrand(brand: string): string {
  if (brand === 'avif' || brand === 'avis') return 'image/avif'
  if (brand === 'heic' || brand === 'heix' || brand === 'mif1') return 'image/heic'
  if (brand === 'qt  ') return 'video/quicktime'
  return 'video/mp4'
}
