import type { Card } from './emulator.ts'
import { type Html, html, type Part, webAddress } from './html.ts'
import type { TimelinePost } from './timeline.ts'

export interface Shown {
  post: TimelinePost
  card: Card
}

export interface Filter {
  platform?: string
  userId?: string
  q?: string
  limit: number
}

/** The whole page, without scripts and without anything from elsewhere. */
export function timelinePage(shown: Shown[], total: number, filter: Filter): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Belfry sandbox</title>
<style>${{ html: pageStyle }}</style>
</head>
<body>
<header>
<h1><a href="/sandbox/">Sandbox</a></h1>
<p>What the emulated platforms hold: ${total} ${total === 1 ? 'post' : 'posts'}. Nothing here is public.</p>
<form role="search">
${filter.platform !== undefined && html`<input type="hidden" name="platform" value="${filter.platform}">`}
${filter.userId !== undefined && html`<input type="hidden" name="user_id" value="${filter.userId}">`}
<input type="search" name="q" value="${filter.q ?? ''}" placeholder="Search captions" aria-label="Search captions">
<button>Search</button>
</form>
${isFiltered(filter) && html`<p>Filtered. <a href="/sandbox/">Show all</a></p>`}
</header>
<main>
${shown.length === 0 ? emptyText(total) : shown.map(article)}
${shown.length === filter.limit && html`<p><a href="${moreLink(filter)}">Show more</a></p>`}
</main>
</body>
</html>
`
  return page.html
}

function isFiltered({ platform, userId, q }: Filter): boolean {
  return [platform, userId, q].some((value) => value !== undefined)
}

function emptyText(total: number): Html {
  if (total > 0) return html`<p>Nothing matches.</p>`
  return html`<p>Nothing is published yet. Make an account with <code>POST /sandbox/accounts</code>, connect it with
<code>POST /v1/social-accounts</code>, and publish to it with <code>POST /v1/social-posts</code>.</p>`
}

function article({ post, card }: Shown): Html {
  return html`<article>
<header><strong>${card.author}</strong> <a href="/sandbox/?${new URLSearchParams({ user_id: post.user_id }).toString()}">@${card.handle}</a>
<span>${post.platform}</span></header>
<p dir="auto">${card.text.map(segment)}</p>
${card.media.length > 0 && html`<div class="media">${card.media.map(medium)}</div>`}
${card.link !== undefined && linkCard(card.link)}
${card.quote !== undefined && html`<blockquote>Quotes ${card.quote}</blockquote>`}
<footer><time datetime="${post.received_at}">${post.received_at.replace('T', ' ').replace('Z', ' UTC')}</time> <code>${post.id}</code></footer>
</article>
`
}

function segment({ text, href }: Card['text'][number]): Part {
  return link(href, html`${text}`)
}

/** Only web addresses become links; anything else, such as a script, stays text. */
function link(href: string | undefined, content: Html): Html {
  const address = href === undefined ? null : webAddress(href)
  return address === null ? content : html`<a href="${address}" rel="noopener noreferrer nofollow">${content}</a>`
}

function medium({ sha256, type, alt }: Card['media'][number]): Html {
  const src = `/sandbox/media/${sha256}`
  if (type.startsWith('video/'))
    return html`<video src="${src}" controls preload="metadata" aria-label="${alt}"></video>`
  return html`<a href="${src}"><img src="${src}" alt="${alt}" title="${alt}" loading="lazy"></a>`
}

function linkCard({ href, title, description, imageSha256 }: NonNullable<Card['link']>): Html {
  return html`<div class="card">
${imageSha256 !== undefined && html`<img src="/sandbox/media/${imageSha256}" alt="" loading="lazy">`}
<strong>${link(href, html`${title || href}`)}</strong>
<p>${description}</p>
<small>${URL.parse(href)?.host ?? href}</small>
</div>`
}

function moreLink({ platform, userId, q, limit }: Filter): string {
  const query = new URLSearchParams({ limit: String(Math.min(limit * 4, 1_000)) })
  if (platform !== undefined) query.set('platform', platform)
  if (userId !== undefined) query.set('user_id', userId)
  if (q !== undefined) query.set('q', q)
  return `/sandbox/?${query}`
}

/** Part of the page; its hash is in the content security policy. */
export const pageStyle = `
:root { color-scheme: light dark; --line: light-dark(#d8dde3, #333a44); --soft: light-dark(#57606a, #9aa4b2) }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 38rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }
h1 { font-size: 1.25rem; margin: 0 }
h1 a { color: inherit; text-decoration: none }
p { margin: .5rem 0 }
form { display: flex; gap: .5rem }
input[type=search] { flex: 1; min-width: 0 }
input, button { font: inherit; padding: .4rem .6rem }
article { border: 1px solid var(--line); border-radius: .75rem; padding: .75rem 1rem; margin: 1rem 0 }
article header span { float: right; color: var(--soft); font-size: .875rem }
article > p { white-space: pre-wrap }
article footer, small, header > p { color: var(--soft); font-size: .8125rem }
.media { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .25rem }
.media img, .media video { width: 100%; height: 100%; max-height: 24rem; object-fit: cover; border-radius: .5rem; display: block }
.card { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; margin: .5rem 0 }
.card img { width: 100%; max-height: 14rem; object-fit: cover }
blockquote { border-left: 3px solid var(--line); margin: .5rem 0; padding-left: .75rem; color: var(--soft) }
`
