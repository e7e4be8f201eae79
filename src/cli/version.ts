import { readFileSync } from 'node:fs'

/** Of package.json, two folders up from here in the sources and in the packed copy alike. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
