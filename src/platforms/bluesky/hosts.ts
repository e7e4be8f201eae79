/** The entryway of Bluesky's own network: logs in everyone whose repository lies there. */
export const blueskyOrigin = 'https://bsky.social'

/** Public reads of the whole network, without a login. */
export const appViewOrigin = 'https://public.api.bsky.app'
