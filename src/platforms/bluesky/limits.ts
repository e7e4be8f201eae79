import { countBytes, countGraphemes } from '../../content/count.ts'
import { cutText } from '../../content/cut.ts'
import type { ResolvedContent } from '../../model/post.ts'
import type { Cut, Limits, Problem } from '../platform.ts'
import { quoteOf } from './quote.ts'

/**
 * Text: lexicon `app.bsky.feed.post` (`maxGraphemes`, `maxLength`). Images: lexicon `app.bsky.embed.gallery`, whose
 * schema allows 20 and asks clients for 10; 2,000,000 bytes each since April 2026, older servers take 1,000,000
 * (read 2026-11-24).
 */
export const limits = {
  textGraphemes: 300,
  textBytes: 3000,
  images: 10,
  imageBytes: 2_000_000,
} as const satisfies Limits

/** Languages of one record (lexicon `app.bsky.feed.post`). */
const maxLangs = 3
const videoFile = /\.(mp4|m4v|mov|webm|avi|mkv|mpe?g)$/i
const languageTag = /^[a-z]{2,3}(-[a-z0-9]{1,8})*$/i

/** Blank text is no text: the API takes a single space for "none". */
export function textOfPost(content: ResolvedContent): string {
  return content.caption.trim() === '' ? '' : content.caption
}

export function check(content: ResolvedContent): Problem[] {
  return [...checkText(content), ...checkMedia(content), ...checkOptions(content)]
}

function checkText(content: ResolvedContent): Problem[] {
  const text = textOfPost(content)
  const problems: Problem[] = []
  const graphemes = countGraphemes(text)
  const bytes = countBytes(text)
  if (graphemes > limits.textGraphemes) {
    problems.push({
      field: 'caption',
      message: `The caption has ${graphemes} characters; Bluesky takes ${limits.textGraphemes}.`,
    })
  }
  if (bytes > limits.textBytes) {
    problems.push({ field: 'caption', message: `The caption has ${bytes} bytes; Bluesky takes ${limits.textBytes}.` })
  }
  if (text === '' && content.media.length === 0 && content.options['quote'] === undefined) {
    problems.push({ field: 'caption', message: 'The post is empty; Bluesky takes text, images or a quoted post.' })
  }
  return problems
}

function checkMedia({ media }: ResolvedContent): Problem[] {
  const problems: Problem[] = []
  media.forEach(({ url }, index) => {
    if (videoFile.test(URL.parse(url)?.pathname ?? '')) {
      problems.push({
        field: 'media',
        message: `media[${index}] is a video; video on Bluesky comes with a later release.`,
      })
    }
  })
  if (media.length > limits.images) {
    problems.push({
      field: 'media',
      message: `The post has ${media.length} media items; Bluesky takes ${limits.images} images.`,
    })
  }
  return problems
}

function checkOptions({ media, options }: ResolvedContent): Problem[] {
  const { quote, langs, alt_texts: altTexts } = options
  const problems: Problem[] = []
  if (typeof quote === 'string' && quoteOf(quote) === null) {
    const message = `quote got "${quote.slice(0, 100)}"; it takes at://…/app.bsky.feed.post/… or https://bsky.app/profile/…/post/….`
    problems.push({ field: 'quote', message })
  }
  if (Array.isArray(langs)) {
    if (langs.length > maxLangs) {
      problems.push({ field: 'langs', message: `langs has ${langs.length} languages; Bluesky takes ${maxLangs}.` })
    }
    for (const lang of langs) {
      if (typeof lang === 'string' && languageTag.test(lang)) continue
      const message = `langs got ${JSON.stringify(lang)}; it takes language tags such as "en" or "pt-BR".`
      problems.push({ field: 'langs', message })
    }
  }
  if (Array.isArray(altTexts) && altTexts.length > media.length) {
    const message = `alt_texts has ${altTexts.length} texts for ${media.length} images.`
    problems.push({ field: 'alt_texts', message })
  }
  return problems
}

export function cut(content: ResolvedContent): Cut | null {
  const caption = cutText(content.caption, { graphemes: limits.textGraphemes, bytes: limits.textBytes })
  if (caption === content.caption) return null
  const note = `The caption had ${countGraphemes(content.caption)} characters and was cut to ${countGraphemes(caption)}; Bluesky takes ${limits.textGraphemes}.`
  return { caption, note }
}
