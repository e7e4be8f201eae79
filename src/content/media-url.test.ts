import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mediaUrlProblem } from './media-url.ts'

const rules = { allowPrivateNetwork: false, ownMediaBase: 'http://127.0.0.1:3000/media' }

const taken = [
  'https://example.com/a.jpg',
  'http://example.com:8080/a',
  'https://localhost.example.com/a',
  'https://127.0.0.1.example.com/a',
  'https://münchen.de/ä.png',
  'http://127.0.0.1:3000/media/proj_1/abc',
]
const refused: [string, RegExp][] = [
  ['', /is not a URL/],
  ['example.com/a.jpg', /is not a URL/],
  ['https://', /is not a URL/],
  ['ftp://example.com/a', /scheme "ftp"/],
  ['file:///etc/passwd', /scheme "file"/],
  ['data:image/png;base64,AA==', /scheme "data"/],
  ['javascript:alert(1)', /scheme "javascript"/],
  ['http://localhost/a', /localhost/],
  ['http://LOCALHOST./a', /localhost/],
  ['http://a.localhost/a', /a\.localhost/],
  ['http://127.0.0.1/a', /IP address/],
  ['http://127.1/a', /IP address/],
  ['http://2130706433/a', /IP address/],
  ['http://0x7f.0.0.1/a', /IP address/],
  ['http://0/a', /IP address/],
  ['http://8.8.8.8/a', /IP address/],
  ['http://8.8.8.8./a', /IP address/],
  ['http://①②⑦.0.0.1/a', /IP address/],
  ['http://[::1]/a', /IP address/],
  ['http://[2606:4700::1111]/a', /IP address/],
  ['http://user:secret@example.com/a', /user name or password/],
  ['http://user:secret@127.0.0.1:3000/media/x', /user name or password/],
  ['http://127.0.0.1:3000/other/abc', /IP address/],
  ['http://127.0.0.1:3000/media/../other', /IP address/],
  ['http://127.0.0.1:3000/mediax/abc', /IP address/],
  ['http://127.0.0.1:4000/media/abc', /IP address/],
  ['https://127.0.0.1:3000/media/abc', /IP address/],
]

test('public addresses and our own are taken', () => {
  for (const url of taken) assert.equal(mediaUrlProblem(url, rules), null, url)
})

test('every other address is refused with its reason, and without its password', () => {
  for (const [url, reason] of refused) {
    const problem = mediaUrlProblem(url, rules)
    assert.match(String(problem), reason, url)
    assert.doesNotMatch(String(problem), /secret/)
  }
})

test('a closed network lifts the rules about hosts and no other', () => {
  const open = { allowPrivateNetwork: true, ownMediaBase: null }
  for (const url of ['http://localhost/a', 'http://10.0.0.1/a', 'http://[::1]/a']) {
    assert.equal(mediaUrlProblem(url, open), null)
  }
  for (const url of ['file:///etc/passwd', 'http://u:p@localhost/', 'nothing']) {
    assert.notEqual(mediaUrlProblem(url, open), null)
  }
})
