import { StartError } from '../../model/errors.ts'

/** What PostgreSQL's own words mean, and what to do. The first that fits; `$1` is the place, `$2` the message. */
const meanings: [RegExp, string][] = [
  [
    /No space left on device|Disk quota exceeded/,
    'The disk that holds $1 is full ($2); free some space and start again.',
  ],
  [/Read-only file system/, 'The disk that holds $1 is read-only ($2); make it writable, or set BELFRY_DATA_DIR.'],
  [
    /database files are incompatible with server|initialized by PostgreSQL version/,
    'The database in $1 was made by another version of PostgreSQL ($2); start the Belfry that made it, or set BELFRY_DATA_DIR to an empty directory.',
  ],
  [
    /could not map anonymous shared memory|Cannot allocate memory|out of memory/,
    'There is not enough memory for PostgreSQL ($2); free about 300 MB and start again.',
  ],
  [
    /could not look up effective user ID/,
    'PostgreSQL needs a user with a name ($2); add this user to /etc/passwd, or set DATABASE_URL.',
  ],
  [
    /administrative permissions is not permitted|cannot be run as root/,
    'PostgreSQL refuses to run with administrator rights; run Belfry as an ordinary user, or set DATABASE_URL.',
  ],
  [
    /Permission denied|Operation not permitted|invalid permissions|wrong ownership/,
    'PostgreSQL may not use $1 ($2); give it to the user that runs Belfry with mode 0700, or set BELFRY_DATA_DIR.',
  ],
  [
    /could not locate a valid checkpoint|invalid (primary )?checkpoint|invalid data in|could not (open|read|access|find|stat|fsync) |not a (valid )?data(base cluster)? directory|does not (match|contain)|invalid magic|bogus data|incorrect checksum|corrupt|No such file or directory|Input\/output error|could not load /,
    'The database in $1 is damaged ($2); put back a backup of it, or set BELFRY_DATA_DIR to an empty directory.',
  ],
]

/** One line for a person from what `initdb` or `postgres` printed. */
export function explain(printed: string, place: string): StartError {
  const message = messageIn(printed)
  for (const [look, sentence] of meanings) {
    if (look.test(printed)) return new StartError(fill(sentence, place, message))
  }
  return new StartError(
    fill(
      'PostgreSQL did not start in $1 ($2); see postgres.log in the data directory, or set DATABASE_URL.',
      place,
      message,
    ),
  )
}

/** One line for a person from a failed file operation of ours. */
export function explainFile(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error
  // Node writes "EACCES: permission denied, mkdir '…'".
  const message = error.message.replace(/^E[A-Z]+: (\w)/, (_all, first: string) => first.toUpperCase())
  if (isCode(error, 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EROFS')) return explain(message, place)
  return new StartError(`The data directory ${place} cannot be used (${message}); set BELFRY_DATA_DIR to another one.`)
}

/** One line for a person from what a running server answered. */
export function explainError(error: unknown, place: string): unknown {
  return error instanceof Error && 'code' in error ? explain(error.message, place) : error
}

export function isMissing(error: unknown): boolean {
  return isCode(error, 'ENOENT')
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** The message that ended it, without time and process. */
function messageIn(printed: string): string {
  const lines = printed.split('\n').filter((line) => line.trim() !== '')
  const telling =
    lines.findLast((line) => /\b(PANIC|FATAL|error):/.test(line)) ??
    lines.find((line) => /No space left|denied|could not/.test(line)) ??
    lines.at(-1) ??
    'no reason given'
  return telling
    .replace(/^.*?\b(PANIC|FATAL|error|postgres):\s*/, '')
    .trim()
    .slice(0, 300)
}

function fill(sentence: string, place: string, message: string): string {
  return sentence.replace('$1', () => place).replace('$2', () => message)
}
