import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPage } from './page-summary.ts'

const at = 'https://example.com/blog/post?x=1'

function read(html: string, type = 'text/html; charset=utf-8') {
  return readPage(Buffer.from(html), type, at)
}

test('Open Graph wins over the page’s own words, in any order and any quotes', () => {
  const page = read(`<html><head><title>Own title</title><META NAME="description" CONTENT="own">
    <meta content='Tom &amp; &quot;Jerry&quot; &#8211; caf&eacute; &#x1F600;' property='og:title'>
    <meta name="x" content="a > b" />
    <meta property=og:description content=short/x><meta property="og:image" content="../a.png?x=1&amp;y=2">`)
  assert.deepEqual(page, {
    title: 'Tom & "Jerry" – café 😀',
    description: 'short/x',
    image: 'https://example.com/a.png?x=1&y=2',
  })
})

test('without Open Graph the title and description serve', () => {
  const page = read('<title>\n  Two\n  lines </title><meta name="description" content="own">')
  assert.deepEqual(page, { title: 'Two lines', description: 'own', image: null })
})

test('a page without a title has no card', () => {
  for (const html of ['', '<p>text', '<title> </title>', '<meta property="og:title" content="">']) {
    assert.equal(read(html), null, html)
  }
})

test('a head that is cut off in the middle still tells what it told', () => {
  assert.equal(read('<meta property="og:title" content="whole"><meta property="og:descr')!.title, 'whole')
})

test('other character sets are read, announced by header or page', () => {
  const latin = Buffer.from('<meta charset="iso-8859-1"><title>Stra\xdfe</title>', 'latin1')
  assert.equal(readPage(latin, 'text/html', at)!.title, 'Straße')
  assert.equal(readPage(latin, 'text/html; charset=windows-1252', at)!.title, 'Straße')
  assert.equal(readPage(Buffer.from('<title>ü</title>'), 'text/html; charset=klingon', at)!.title, 'ü')
})

test('pictures are addresses of the web alone', () => {
  for (const image of ['javascript:alert(1)', 'data:image/png;base64,AA', 'file:///etc/passwd', 'http://']) {
    assert.equal(read(`<title>x</title><meta property="og:image" content="${image}">`)!.image, null, image)
  }
})

test('long words are shortened and pages made to slow us down are read at once', () => {
  const page = read(`<title>${'👨‍👩‍👧 '.repeat(1000)}</title><meta name=description content="${'x'.repeat(3000)}">`)!
  assert.ok(page.title.length <= 300 && page.description.length <= 1000)
  assert.ok(page.title.isWellFormed())
  const startMs = performance.now()
  for (const hard of [
    '<meta '.repeat(80_000),
    `<meta ${'a='.repeat(200_000)}`,
    '<title'.repeat(80_000),
    '&#'.repeat(250_000),
    `<title>${'&#'.repeat(250_000)}`,
    `<title>${' \n'.repeat(250_000)}`,
    `<meta ${'a'.repeat(3_900)}>`.repeat(130),
    `<meta ${' '.repeat(3_900)}`.repeat(130),
    `<meta content="${"'".repeat(3_000)}`.repeat(130),
    '<meta content=">" '.repeat(30_000),
    '<'.repeat(500_000),
    `<meta ${'a '.repeat(1900)}`.repeat(100),
  ]) {
    read(hard)
  }
  assert.ok(performance.now() - startMs < 20_000, `${performance.now() - startMs} ms`)
})
