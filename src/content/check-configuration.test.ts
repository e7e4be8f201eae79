import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PlatformName } from '../model/platform.ts'
import { platformNames } from '../model/platform.ts'
import { checkConfiguration } from './check-configuration.ts'
import { platformFields } from './fields.ts'

const right: [PlatformName | null, string, unknown][] = [
  ['facebook', 'placement', 'stories'],
  ['facebook', 'collaborators', ['1', '2']],
  ['facebook', 'collaborators', [['1'], ['2']]],
  ['instagram', 'share_to_feed', false],
  ['x', 'poll', { duration_minutes: 60, options: ['a', 'b'] }],
  ['x', 'poll', { duration_minutes: 60, options: ['a', 'b'], reply_settings: null, more: 1 }],
  ['youtube', 'localizations', { de: { title: 'Titel' }, fr: { description: null }, en: null }],
  ['youtube', 'publish_at', '2027-01-01T10:00:00Z'],
  ['youtube', 'publish_at', '2027-01-01T10:00+02:00'],
  ['youtube', 'recording_date', '2027-01-01'],
  ['tiktok', 'privacy_status', 'PUBLIC_TO_EVERYONE'],
  ['pinterest', 'board_ids', []],
  ['threads', 'placement', 'reels'],
  ['bluesky', 'langs', ['de']],
  ['bluesky', 'title', 5],
  ['x', 'not_known_anywhere', { a: 1 }],
  [null, 'placement', 'stories'],
  [null, 'privacy_status', 'unlisted'],
  [null, 'reply_settings', 'verified'],
]
for (const [platform, field, value] of right) {
  test(`${platform ?? 'an account'} takes ${field} ${JSON.stringify(value)}`, () => {
    assert.deepEqual(checkConfiguration(platform, { caption: 5, media: 'x', [field]: value }, 'p'), [])
  })
}

const wrong: [PlatformName | null, string, unknown, string][] = [
  ['facebook', 'placement', 'story', 'p.placement got "story"; it takes one of "timeline", "reels", "stories".'],
  ['threads', 'placement', 'stories', 'p.placement got "stories"; it takes one of "timeline", "reels".'],
  ['facebook', 'collaborators', 'me', 'p.collaborators got "me"; it takes a list of strings.'],
  ['facebook', 'collaborators', [[['me']]], 'p.collaborators got [[["me"]]]; it takes a list of strings.'],
  ['instagram', 'share_to_feed', 'false', 'p.share_to_feed got "false"; it takes true or false.'],
  ['x', 'poll', [], 'p.poll got []; it takes an object with duration_minutes, options, reply_settings.'],
  ['x', 'poll', { options: ['a'] }, 'p.poll.duration_minutes is missing; it takes a number.'],
  ['x', 'poll', { duration_minutes: '60', options: ['a'] }, 'p.poll.duration_minutes got "60"; it takes a number.'],
  [
    'youtube',
    'localizations',
    { de: 'Titel' },
    'p.localizations.de got "Titel"; it takes an object with title, description.',
  ],
  ['youtube', 'localizations', { de: { title: 5 } }, 'p.localizations.de.title got 5; it takes a string.'],
  ['youtube', 'publish_at', 'tomorrow', 'p.publish_at got "tomorrow"; it takes a date-time string.'],
  [
    'youtube',
    'publish_at',
    '2027-13-45T10:00:00Z',
    'p.publish_at got "2027-13-45T10:00:00Z"; it takes a date-time string.',
  ],
  [
    'youtube',
    'recording_date',
    '2027-02-30',
    'p.recording_date got "2027-02-30"; it takes a date or date-time string.',
  ],
  ['youtube', 'tags', [1], 'p.tags got [1]; it takes a list of strings.'],
  ['bluesky', 'quote', {}, 'p.quote got {}; it takes a string.'],
  [null, 'title', 5, 'p.title got 5; it takes a string.'],
  [
    null,
    'placement',
    'story',
    'p.placement got "story"; it takes one of "timeline", "reels", "stories", or one of "timeline", "reels".',
  ],
]
for (const [platform, field, value, message] of wrong) {
  test(`${platform ?? 'an account'} refuses ${field} ${JSON.stringify(value)}`, () => {
    assert.deepEqual(checkConfiguration(platform, { [field]: value }, 'p'), [message])
  })
}

test('null means unset for every field of every platform', () => {
  for (const platform of [...platformNames, null]) {
    const fields = platform
      ? Object.keys(platformFields[platform])
      : Object.values(platformFields).flatMap((each) => Object.keys(each))
    const configuration = Object.fromEntries(fields.map((field) => [field, null]))
    assert.deepEqual(checkConfiguration(platform, configuration, 'p'), [])
  }
})

test('a long value is not repeated in full', () => {
  const [message] = checkConfiguration('x', { community_id: ['x'.repeat(10_000)] }, 'p')
  assert.ok(message!.length < 150, message)
})
