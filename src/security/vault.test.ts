import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createVault } from './vault.ts'

test('what was sealed opens with the same context, and never looks the same twice', () => {
  const vault = createVault({ current: randomBytes(32), previous: null })
  const first = vault.seal('tökén', 'spc_1')
  assert.equal(vault.open(first, 'spc_1'), 'tökén')
  assert.notDeepEqual(vault.seal('tökén', 'spc_1'), first)
  assert.ok(!first.includes(Buffer.from('tökén')))
})

test('another context, a changed byte and a cut end do not open', () => {
  const vault = createVault({ current: randomBytes(32), previous: null })
  const sealed = vault.seal('token', 'spc_1')
  assert.throws(() => vault.open(sealed, 'spc_2'))
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed)
    changed[at] = changed[at]! ^ 1
    assert.throws(() => vault.open(changed, 'spc_1'), `byte ${at}`)
  }
  assert.throws(() => vault.open(sealed.subarray(0, 20), 'spc_1'))
})

test('while keys are rotated the previous one still opens, and without it nothing does', () => {
  const old = randomBytes(32)
  const next = randomBytes(32)
  const sealed = createVault({ current: old, previous: null }).seal('token', 'x')
  assert.equal(createVault({ current: next, previous: old }).open(sealed, 'x'), 'token')
  assert.throws(() => createVault({ current: next, previous: null }).open(sealed, 'x'), /BELFRY_SECRET/)
})

test('a secret under 32 bytes is refused', () => {
  assert.throws(() => createVault({ current: randomBytes(31), previous: null }), /32 bytes/)
})
