import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OutboundError, type OutboundRequest } from '../security/outbound.ts'
import { callApi, delayOf, outcomeOfSilence } from './call.ts'

const nowMs = Date.parse('2026-11-24T10:00:00Z')
const { signal } = new AbortController()

test('a delay is read from every form that platforms give it', () => {
  const delays: [Record<string, string>, number | undefined][] = [
    [{}, undefined],
    [{ 'retry-after': '30' }, 30_000],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': '1.5' }, 1_500],
    [{ 'retry-after': 'Tue, 24 Nov 2026 10:01:00 GMT' }, 60_000],
    [{ 'retry-after': 'Tue, 24 Nov 2026 09:00:00 GMT' }, 0],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'retry-after': 'soon', 'ratelimit-reset': '10' }, 10_000],
    [{ 'ratelimit-reset': String(nowMs / 1000 + 90) }, 90_000],
    [{ 'ratelimit-reset': String(nowMs / 1000 - 90) }, 0],
    [{ 'ratelimit-reset': '45' }, 45_000],
    [{ 'ratelimit-reset': 'never' }, undefined],
    [{ 'retry-after': '5', 'ratelimit-reset': '45' }, 5_000],
    [{ 'retry-after': '99999999999' }, 86_400_000],
    [{ 'retry-after': '-5' }, undefined],
  ]
  for (const [headers, afterMs] of delays) {
    assert.equal(delayOf(headers, nowMs).afterMs, afterMs, JSON.stringify(headers))
  }
})

test('no answer is unsure only when it was committed and may have arrived', () => {
  const silence = (sent: boolean) => ({ kind: 'no answer', sent, reason: 'why' }) as const
  assert.equal(outcomeOfSilence(silence(true), true).kind, 'unsure')
  assert.equal(outcomeOfSilence(silence(false), true).kind, 'retry')
  assert.equal(outcomeOfSilence(silence(true), false).kind, 'retry')
  assert.equal(outcomeOfSilence(silence(false), false).kind, 'retry')
})

test('a call writes its query, login and body, and reads JSON or nothing', async () => {
  const seen: OutboundRequest[] = []
  const bodies = ['{"a":1}', 'no json', '']
  const http = {
    async request(request: OutboundRequest) {
      seen.push(request)
      return { status: 200, headers: {}, body: Buffer.from(bodies[seen.length - 1]!), url: request.url }
    },
  }
  const url = 'https://api.example.com/x'
  const answers = [
    await callApi(http, { method: 'GET', url, query: { q: 'a b&c' }, bearer: 't' }, signal),
    await callApi(http, { method: 'POST', url, json: { b: 'ü' } }, signal),
    await callApi(http, { method: 'POST', url, bytes: { body: Buffer.from('x'), type: 'image/png' } }, signal),
  ]
  assert.deepEqual(
    answers.map((answer) => answer.kind === 'answer' && answer.body),
    [{ a: 1 }, null, null],
  )
  assert.equal(seen[0]!.url, `${url}?q=a+b%26c`)
  assert.equal(seen[0]!.headers!['authorization'], 'Bearer t')
  assert.deepEqual([seen[1]!.headers!['content-type'], seen[1]!.body], ['application/json', '{"b":"ü"}'])
  assert.equal(seen[2]!.headers!['content-type'], 'image/png')
})

test('what is not a failure of the network is not taken for one', async () => {
  const failing = (error: Error) => ({ request: () => Promise.reject(error) })
  const call = { method: 'GET', url: 'https://api.example.com/' } as const
  const silence = await callApi(failing(new OutboundError('dns', false, 'why')), call, signal)
  assert.deepEqual(silence, { kind: 'no answer', sent: false, reason: 'why' })
  await assert.rejects(callApi(failing(new TypeError('a bug')), call, signal), TypeError)
})
