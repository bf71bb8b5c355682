import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AuditError } from '../errors.ts'
import { hasProgram, needs } from '../fixtures/needs.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openSigningKey, parseVerifier, signCheckpoint, verifyCheckpoint } from './checkpoint.ts'
import { sha256 } from './merkle.ts'

const NAME = 'dockerpulse/00000000-0000-4000-8000-000000000001'
const ROOT = sha256('root')
const newKey = (name = NAME) => openSigningKey(join(temporaryFolder(), 'key.pem'), name)

test('a checkpoint comes back as it was signed', () => {
  const key = newKey()
  const note = signCheckpoint(key, 7, ROOT)
  expect(note.split('\n').slice(0, 4)).toEqual([NAME, '7', ROOT.toString('base64'), ''])
  expect(verifyCheckpoint(note, key.verifier)).toEqual({ origin: NAME, size: 7, root: ROOT })
})

test('any changed character of it is found', () => {
  const key = newKey()
  const note = signCheckpoint(key, 7, ROOT)
  fc.assert(
    fc.property(fc.nat(note.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, character) => {
      fc.pre(note[at] !== character)
      const changed = note.slice(0, at) + character + note.slice(at + 1)
      expect(() => verifyCheckpoint(changed, key.verifier)).toThrow(AuditError)
    }),
    { numRuns: 2000 },
  )
})

test('a signature in another spelling of the same bytes is found', () => {
  const key = newKey()
  const note = signCheckpoint(key, 7, ROOT)
  // 68 bytes leave two bits of the last base64 character unused.
  const respelt = note.replace(/(.)=\n$/, (_, last: string) => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    return `${alphabet[alphabet.indexOf(last) ^ 1]}=\n`
  })
  expect(respelt).not.toBe(note)
  expect(() => verifyCheckpoint(respelt, key.verifier)).toThrow('does not hold')
})

test('a checkpoint of another key is found', () => {
  const [ours, theirs] = [newKey(), newKey()]
  expect(() => verifyCheckpoint(signCheckpoint(theirs, 7, ROOT), ours.verifier)).toThrow('does not hold')
})

test('further signatures of witnesses do not matter', () => {
  const [ours, witness] = [newKey(), newKey('witness')]
  const ownLine = signCheckpoint(witness, 7, ROOT).split('\n')[4]
  expect(verifyCheckpoint(`${signCheckpoint(ours, 7, ROOT)}${ownLine}\n`, ours.verifier).size).toBe(7)
})

test('what is no note, or no key, is said so', () => {
  const { verifier } = newKey()
  for (const junk of ['', '\n', 'a\nb\nc\n', `${NAME}\n7\n\n`, signCheckpoint(newKey(), 7, ROOT).slice(0, -1)])
    expect(() => verifyCheckpoint(junk, verifier)).toThrow(AuditError)
  for (const junk of [
    '',
    'a+b+c',
    `${NAME}+00000000+${'A'.repeat(44)}`,
    verifier.replace(/\+[0-9a-f]{8}\+/, '+00000000+'),
  ])
    expect(() => parseVerifier(junk)).toThrow(AuditError)
})

test('the key is made once, for its owner’s eyes only', () => {
  const path = join(temporaryFolder(), 'key.pem')
  const first = openSigningKey(path, NAME)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(openSigningKey(path, NAME).verifier).toBe(first.verifier)
})

test('a key that cannot be read is left alone and named', () => {
  const path = join(temporaryFolder(), 'key.pem')
  writeFileSync(path, 'no key')
  expect(() => openSigningKey(path, NAME)).toThrow(`the audit log's key ${path} cannot be read`)
  expect(readFileSync(path, 'utf8')).toBe('no key')
})

test('a key that was begun and not finished before a power cut is made anew', () => {
  const path = join(temporaryFolder(), 'key.pem')
  writeFileSync(`${path}.new`, '-----BEGIN')
  expect(openSigningKey(path, NAME).verifier).toContain(NAME)
})

/** DER head of an Ed25519 public key, RFC 8410. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

describe.skipIf(!needs('the openssl command line', hasProgram('openssl', 'version')))('with openssl alone', () => {
  /** What a stranger would do by hand, following the signed-note specification and none of our code. */
  function verifyByHand(note: string, verifier: string): boolean {
    const folder = temporaryFolder()
    const [text, signatures] = note.split('\n\n') as [string, string]
    const typed = Buffer.from(verifier.slice(verifier.indexOf('+', verifier.indexOf('+') + 1) + 1), 'base64')
    writeFileSync(join(folder, 'key.der'), Buffer.concat([SPKI_HEAD, typed.subarray(1)]))
    writeFileSync(join(folder, 'text'), `${text}\n`)
    writeFileSync(join(folder, 'signature'), Buffer.from(signatures.trim().split(' ')[2]!, 'base64').subarray(4))
    const args = 'pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -in text -sigfile signature'
    return spawnSync('openssl', args.split(' '), { cwd: folder }).status === 0
  }

  test('a checkpoint is verified, and a changed one refused', () => {
    const key = newKey()
    const note = signCheckpoint(key, 7, ROOT)
    expect(verifyByHand(note, key.verifier)).toBe(true)
    expect(verifyByHand(note.replace('\n7\n', '\n8\n'), key.verifier)).toBe(false)
    expect(verifyByHand(note, newKey().verifier)).toBe(false)
  })

  test('the key file is one that openssl reads', () => {
    const path = join(temporaryFolder(), 'key.pem')
    openSigningKey(path, NAME)
    expect(execFileSync('openssl', ['pkey', '-in', path, '-noout', '-text'], { encoding: 'utf8' })).toContain('ED25519')
  })
})
