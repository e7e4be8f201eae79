import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Uploaded bytes, kept once per content. */
export interface BlobStore {
  /** Answers the SHA-256 as 64 hexadecimal digits, once the bytes are kept. */
  put(bytes: Buffer): Promise<string>
  /** @returns null when there are no such bytes. */
  get(sha256: string): Promise<Buffer | null>
}

export function sha256Of(bytes: Uint8Array | string): Buffer {
  return createHash('sha256').update(bytes).digest()
}

export function memoryBlobs(): BlobStore {
  const kept = new Map<string, Buffer>()
  return {
    async put(bytes) {
      const sha256 = sha256Of(bytes).toString('hex')
      kept.set(sha256, bytes)
      return sha256
    },
    get: async (sha256) => kept.get(sha256) ?? null,
  }
}

/** One file per content in `{dataDir}/blobs`, named by its SHA-256. */
export async function openBlobs(dataDir: string): Promise<BlobStore> {
  const folder = join(dataDir, 'blobs')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  let writes = 0
  return {
    async put(bytes) {
      const sha256 = sha256Of(bytes).toString('hex')
      const path = join(folder, sha256)
      if (await exists(path)) return sha256
      // Renamed into place, so that a crash never leaves half a blob under its name.
      const partial = `${path}.${process.pid}-${writes++}`
      await writeFile(partial, bytes, { mode: 0o600 })
      await rename(partial, path)
      return sha256
    },
    async get(sha256) {
      if (!/^[0-9a-f]{64}$/.test(sha256)) return null
      return readFile(join(folder, sha256)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null
        throw error
      })
    },
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
