/** The entryway of Bluesky's own network: logs in everyone whose repository lies there. */
export const blueskyOrigin = 'https://bsky.social'
