/** Images on their way into the account's repository. */
import { type ImageHeader, isVideo, readImageHeader } from '../../content/image-header.ts'
import { withoutPersonalData } from '../../content/image-privacy.ts'
import type { JsonObject } from '../../model/platform.ts'
import type { MediaItem } from '../../model/post.ts'
import { OutboundError, type OutboundReply } from '../../security/outbound.ts'
import { delayOf, outcomeOfSilence } from '../call.ts'
import type { Job, Outcome, Tools } from '../platform.ts'
import { outcomeOf } from './errors.ts'
import { limits } from './limits.ts'
import { checkpointOf, type Progress, type UploadedImage } from './progress.ts'
import { blobOf, hostOf, xrpc } from './wire.ts'

/** How long one file may take to come or to go, in milliseconds. */
const fetchMs = 30_000
const uploadMs = 60_000

/** Uploads what is not there yet, one after the other; each one is a checkpoint. */
export async function uploadImages(
  job: Job,
  stored: Progress,
  tools: Tools,
): Promise<{ kind: 'images'; images: UploadedImage[] } | Outcome> {
  const images = [...(stored.images ?? [])]
  for (const [index, item] of job.content.media.entries()) {
    if (images[index]) continue
    const file = await fetchImage(item, `media[${index}]`, tools)
    if (file.kind !== 'image') return file
    const uploaded = await uploadImage(file.bytes, file.header, job, tools)
    if (uploaded.kind !== 'uploaded') return uploaded
    images[index] = uploaded.image
    await tools.checkpoint(checkpointOf({ ...stored, images }))
  }
  return { kind: 'images', images }
}

interface Image {
  kind: 'image'
  bytes: Buffer
  header: ImageHeader
}

async function fetchImage(item: MediaItem, name: string, tools: Tools): Promise<Image | Outcome> {
  // One more than is allowed tells a file that is too large from one that just fits.
  const maxBytes = limits.imageBytes + 1
  let reply: OutboundReply
  try {
    const { signal } = tools
    reply = await tools.web.request({ url: item.url, redirects: 3, timeoutMs: fetchMs, maxBytes, cut: true, signal })
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    const why = `${name} could not be fetched. ${error.message}`
    // An address that may not be asked today may not be asked tomorrow either.
    if (error.reason === 'bad_url' || error.reason === 'private_address') return unavailable(why)
    return { kind: 'retry', reason: why }
  }
  const { status, headers, body } = reply
  if (status !== 200) {
    const why = `${name} could not be fetched: ${new URL(reply.url).host} answered ${status}.`
    const passes = status >= 500 || status === 429 || status === 408 || status === 425
    return passes ? { kind: 'retry', reason: why, ...delayOf(headers, tools.clock.nowMs()) } : unavailable(why)
  }
  return readImage(body, item, name, Number(headers['content-length']))
}

function readImage(body: Buffer, item: MediaItem, name: string, announcedBytes: number): Image | Outcome {
  if (isVideo(body)) return unfit(`${name} is a video; video on Bluesky comes with a later release.`)
  const header = readImageHeader(body)
  if (!header) return unfit(`${name} is not an image that Bluesky takes (JPEG, PNG, GIF, WebP).`)
  if (body.length > limits.imageBytes) {
    const size = announcedBytes > limits.imageBytes ? announcedBytes : `more than ${limits.imageBytes}`
    return unfit(`${name} has ${size} bytes; Bluesky takes ${limits.imageBytes} per image.`)
  }
  return { kind: 'image', header, bytes: item.skip_processing ? body : withoutPersonalData(body, header) }
}

function unfit(message: string): Outcome {
  return { kind: 'refused', code: 'content_invalid', message }
}

function unavailable(message: string): Outcome {
  return { kind: 'refused', code: 'media_unavailable', message }
}

/** The type is that of the bytes, whatever the file was called. */
export async function uploadImage(
  bytes: Buffer,
  header: ImageHeader,
  job: Job,
  tools: Tools,
): Promise<{ kind: 'uploaded'; image: UploadedImage } | Outcome> {
  const { facts, credentials } = job.account
  const answer = await xrpc(tools, hostOf(facts), 'com.atproto.repo.uploadBlob', {
    bytes: { body: bytes, type: header.type },
    bearer: credentials.accessToken,
    timeoutMs: uploadMs,
  })
  if (answer.kind === 'no answer') return outcomeOfSilence(answer, false)
  const blob = answer.status === 200 ? blobOf(answer.body) : null
  if (!blob) return outcomeOf(answer, false, tools.clock.nowMs())
  return { kind: 'uploaded', image: { blob, width: header.width, height: header.height } }
}

/** Largest number of images in the older of the two embeds, which every client shows. */
const maxPlainImages = 4

/** The embed for uploaded images: up to 4 in the form that every client knows, more as a gallery. */
export function imagesEmbed(images: UploadedImage[], altTexts: readonly string[]): JsonObject {
  const items = images.map(({ blob, width, height }, index) => ({
    image: blob,
    alt: altTexts[index] ?? '',
    aspectRatio: { width, height },
  }))
  if (items.length <= maxPlainImages) return { $type: 'app.bsky.embed.images', images: items }
  return {
    $type: 'app.bsky.embed.gallery',
    items: items.map((item) => ({ $type: 'app.bsky.embed.gallery#image', ...item })),
  }
}
