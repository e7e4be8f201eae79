import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { platformNames } from '../model/platform.ts'
import type { Configuration, MediaItem, PostContent } from '../model/post.ts'
import { resolveContent } from './resolve.ts'

const unset = { thumbnail_url: null, thumbnail_timestamp_ms: null, tags: null, skip_processing: false }

function media(...names: string[]): MediaItem[] {
  return names.map((name) => ({ url: `https://example.com/${name}`, ...unset }))
}

function configuration(more: Partial<Configuration> = {}): Configuration {
  return { caption: null, media: [], ...more }
}

function content(more: Partial<PostContent> = {}): PostContent {
  return { caption: 'post', media: media('post'), platformConfigurations: {}, accountConfigurations: [], ...more }
}

function forAccount(id: string, more: Partial<Configuration>) {
  return { social_account_id: id, configuration: configuration(more) }
}

test('without overrides the post goes out as it is', () => {
  assert.deepEqual(resolveContent(content(), 'bluesky', 'spc_1'), {
    caption: 'post',
    media: media('post'),
    options: {},
  })
})

test('the account wins over the platform and the platform over the post, field by field', () => {
  const given = content({
    platformConfigurations: {
      x: configuration({ caption: 'on x', media: media('x'), reply_settings: 'following', community_id: '1' }),
      bluesky: configuration({ caption: 'on bluesky' }),
    },
    accountConfigurations: [
      forAccount('spc_other', { caption: 'of another', media: media('other'), community_id: '9' }),
      forAccount('spc_1', { media: media('mine'), reply_settings: 'verified' }),
    ],
  })
  assert.deepEqual(resolveContent(given, 'x', 'spc_1'), {
    caption: 'on x',
    media: media('mine'),
    options: { reply_settings: 'verified', community_id: '1' },
  })
})

test('null, "" and [] mean that nothing is overridden at that level', () => {
  const given = content({
    platformConfigurations: { x: configuration({ caption: 'on x', media: media('x'), community_id: '1' }) },
    accountConfigurations: [forAccount('spc_1', { caption: '', media: [], community_id: null })],
  })
  assert.deepEqual(resolveContent(given, 'x', 'spc_1'), {
    caption: 'on x',
    media: media('x'),
    options: { community_id: '1' },
  })
})

test('false, 0 and a single space are values', () => {
  const given = content({
    platformConfigurations: { tiktok: configuration({ caption: 'on tiktok', allow_comment: true, unknown: 1 }) },
    accountConfigurations: [forAccount('spc_1', { caption: ' ', allow_comment: false, unknown: 0 })],
  })
  assert.deepEqual(resolveContent(given, 'tiktok', 'spc_1'), {
    caption: ' ',
    media: media('post'),
    options: { allow_comment: false, unknown: 0 },
  })
})

test('what only other platforms know is left out, what nobody knows is kept', () => {
  const given = content({
    accountConfigurations: [forAccount('spc_1', { title: 'of a video', quote: 'at://x', of_tomorrow: true })],
  })
  assert.deepEqual(resolveContent(given, 'bluesky', 'spc_1').options, { quote: 'at://x', of_tomorrow: true })
  assert.deepEqual(resolveContent(given, 'youtube', 'spc_1').options, { title: 'of a video', of_tomorrow: true })
})

test('no account ever gets what was meant for another account or platform', () => {
  const ids = ['spc_1', 'spc_2', 'spc_3']
  const level = (owner: string) =>
    fc.record({
      caption: fc.constantFrom(null, '', `${owner} caption`),
      media: fc.constantFrom([], media(owner)),
      unknown: fc.constantFrom(null, `${owner} option`),
    })
  const contents = fc.record({
    caption: fc.constant('post caption'),
    media: fc.constantFrom([], media('post')),
    platformConfigurations: fc.record(
      Object.fromEntries(platformNames.slice(0, 4).map((name) => [name, level(name)])) as Record<
        string,
        ReturnType<typeof level>
      >,
      { requiredKeys: [] },
    ),
    accountConfigurations: fc.tuple(
      ...ids.map((id) => level(id).map((configuration) => ({ social_account_id: id, configuration }))),
    ),
  })
  fc.assert(
    fc.property(
      contents,
      fc.constantFrom(...platformNames.slice(0, 4)),
      fc.constantFrom(...ids),
      (given, platform, id) => {
        const resolved = resolveContent(given as unknown as PostContent, platform, id)
        const owners = [
          resolved.caption,
          ...resolved.media.map(({ url }) => url),
          resolved.options['unknown'] ?? 'post',
        ]
        for (const owner of owners) assert.match(String(owner), new RegExp(`(^|/)(post|${platform}|${id})( |$)`))
        assert.notEqual(resolved.caption, '')
      },
    ),
  )
})
