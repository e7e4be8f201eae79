import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** Encrypts what must not lie in the database in clear: tokens, app secrets, answers that carry them. */
export interface Vault {
  /** `context` says what it belongs to (an account id …); only the same context opens it again. */
  seal(text: string, context: string): Buffer
  /** @throws when the bytes were changed, belong to another context, or were sealed with a key that is gone. */
  open(sealed: Buffer, context: string): string
}

const version = 1
const keyIdLength = 4
const nonceLength = 12
const tagLength = 16
const headLength = 1 + keyIdLength + nonceLength

interface VaultKey {
  id: Buffer
  key: Buffer
}

/**
 * AES-256-GCM. Sealed bytes: format version (1), key id (4), nonce (12), tag (16), text.
 * @param keys `current` seals; `previous` only opens, while keys are being rotated. At least 32 bytes each.
 */
export function createVault(keys: { current: Buffer; previous: Buffer | null }): Vault {
  const current = vaultKey(keys.current)
  const known = keys.previous ? [current, vaultKey(keys.previous)] : [current]

  return {
    seal(text, context) {
      const nonce = randomBytes(nonceLength)
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce)
      const head = Buffer.concat([Buffer.of(version), current.id, nonce])
      cipher.setAAD(Buffer.concat([head, Buffer.from(context, 'utf8')]))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([head, cipher.getAuthTag(), body])
    },
    open(sealed, context) {
      if (sealed.length < headLength + tagLength || sealed[0] !== version) {
        throw new Error('these are not bytes that this vault sealed')
      }
      const head = sealed.subarray(0, headLength)
      const id = head.subarray(1, 1 + keyIdLength)
      const key = known.find((candidate) => candidate.id.equals(id))
      if (!key) throw new Error('sealed with a secret that is not configured (BELFRY_SECRET, BELFRY_SECRET_PREVIOUS)')
      const decipher = createDecipheriv('aes-256-gcm', key.key, head.subarray(1 + keyIdLength), {
        authTagLength: tagLength,
      })
      decipher.setAAD(Buffer.concat([head, Buffer.from(context, 'utf8')]))
      decipher.setAuthTag(sealed.subarray(headLength, headLength + tagLength))
      return Buffer.concat([decipher.update(sealed.subarray(headLength + tagLength)), decipher.final()]).toString(
        'utf8',
      )
    },
  }
}

function vaultKey(secret: Buffer): VaultKey {
  if (secret.length < 32) throw new Error('a vault key needs at least 32 bytes')
  return { id: derive('belfry vault key id', secret).subarray(0, keyIdLength), key: derive('belfry vault key', secret) }
}

/** Secrets are random already: a plain hash with a purpose separates the key from its public id. */
function derive(purpose: string, secret: Buffer): Buffer {
  return createHash('sha256').update(purpose).update(Buffer.of(0)).update(secret).digest()
}
