import { cidBytes } from '../encoding/cid.ts'
import { tidPattern } from '../encoding/tid.ts'

/** String formats of the Lexicon language. @see https://atproto.com/specs/lexicon#string-formats */
export const formats: Record<string, (text: string) => boolean> = {
  datetime: isDatetime,
  uri: (text) => text.length <= 8192 && /^[a-z][a-z0-9+.-]*:(\/\/)?[^\s/]\S*$/i.test(text),
  did: isDid,
  handle: isHandle,
  'at-identifier': (text) => (text.startsWith('did:') ? isDid(text) : isHandle(text)),
  'at-uri': isAtUri,
  nsid: isNsid,
  cid: (text) => cidBytes(text) !== null,
  language: (text) => languagePattern.test(text),
  tid: (text) => tidPattern.test(text),
  'record-key': isRecordKey,
}

/** Years below 10 and the unknown offset -00:00 are not allowed; fractions of a second are, up to 20 digits. */
function isDatetime(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,20})?(Z|[+-]\d{2}:\d{2})$/.test(text)) return false
  return !text.startsWith('000') && !text.endsWith('-00:00') && !Number.isNaN(Date.parse(text))
}

function isDid(text: string): boolean {
  return text.length <= 2048 && /^did:[a-z]+:[A-Za-z0-9._:%-]*[A-Za-z0-9._-]$/.test(text)
}

export function isHandle(text: string): boolean {
  return text.length <= 253 && /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(text)
}

function isNsid(text: string): boolean {
  return (
    text.length <= 317 && /^[a-z]([a-z0-9-]{0,62})?(\.[a-z0-9]([a-z0-9-]{0,62})?)+\.[a-z][a-z0-9]{0,62}$/i.test(text)
  )
}

function isRecordKey(text: string): boolean {
  return /^[A-Za-z0-9._:~-]{1,512}$/.test(text) && text !== '.' && text !== '..'
}

function isAtUri(text: string): boolean {
  const [, authority, , collection, , rkey] = /^at:\/\/([^/]+)(\/([^/]+)(\/([^/]+))?)?$/.exec(text) ?? []
  if (!authority || !formats['at-identifier']!(authority)) return false
  return (collection === undefined || isNsid(collection)) && (rkey === undefined || isRecordKey(rkey))
}

/** Well-formed by BCP 47: language, script, region, variants, extensions, private use. */
const languagePattern =
  /^(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|\d{3}))?(?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3}))*(?:-[\da-wyz](?:-[a-z\d]{2,8})+)*(?:-x(?:-[a-z\d]{1,8})+)?|x(?:-[a-z\d]{1,8})+|i-[a-z]{2,8})$/i
