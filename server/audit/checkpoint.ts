import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { AuditError, messageOf } from '../errors.ts'
import { sha256 } from './merkle.ts'

/** The log's signing key. `verifier` is the public key as C2SP signed-note prints it: `<name>+<hex key id>+<base64>`. */
export type SigningKey = { name: string; privateKey: KeyObject; publicKey: KeyObject; keyId: Buffer; verifier: string }

/** Type byte of an Ed25519 key in C2SP signed-note. */
const ED25519 = Buffer.from([1])

function rawPublicKey(publicKey: KeyObject): Buffer {
  return Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url')
}

function keyFrom(name: string, privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey)
  const typed = Buffer.concat([ED25519, rawPublicKey(publicKey)])
  const keyId = sha256(name, '\n', typed).subarray(0, 4)
  return {
    name,
    privateKey,
    publicKey,
    keyId,
    verifier: `${name}+${keyId.toString('hex')}+${typed.toString('base64')}`,
  }
}

/** Reads the Ed25519 key at `path` (PKCS #8, PEM), making one readable by its owner alone where there is none. */
export function openSigningKey(path: string, name: string): SigningKey {
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ed25519')
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
    writeFileSync(`${path}.new`, pem, { mode: 0o600, flush: true })
    renameSync(`${path}.new`, path)
  }
  try {
    return keyFrom(name, createPrivateKey(readFileSync(path)))
  } catch (error) {
    throw new AuditError(`the audit log's key ${path} cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

/** The checkpoint of a log as C2SP tlog-checkpoint in a signed note; the signed text includes its last newline. */
export function signCheckpoint(key: SigningKey, size: number, root: Buffer): string {
  const text = `${key.name}\n${size}\n${root.toString('base64')}\n`
  const signature = sign(null, Buffer.from(text), key.privateKey)
  return `${text}\n— ${key.name} ${Buffer.concat([key.keyId, signature]).toString('base64')}\n`
}

export type Checkpoint = { origin: string; size: number; root: Buffer }

/** The public key of a verifier string, with its name and key id; throws AuditError where it is not one. */
export function parseVerifier(verifier: string): { name: string; keyId: Buffer; publicKey: KeyObject } {
  const [, name, id, encoded] = /^(.+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(verifier) ?? []
  const typed = Buffer.from(encoded ?? '', 'base64')
  if (name === undefined || typed.length !== 33 || typed[0] !== 1)
    throw new AuditError(`"${verifier.slice(0, 120)}" is not a verifier key`)
  const keyId = sha256(name, '\n', typed).subarray(0, 4)
  if (keyId.toString('hex') !== id) throw new AuditError('the verifier key and its key id do not belong together')
  const publicKey = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: typed.subarray(1).toString('base64url') },
    format: 'jwk',
  })
  return { name, keyId, publicKey }
}

/** Reads a signed checkpoint and checks its signature; throws AuditError with the reason where it does not hold. */
export function verifyCheckpoint(note: string, verifier: string): Checkpoint {
  const { name, keyId, publicKey } = parseVerifier(verifier)
  const [, text, signatures] = /^([\s\S]*?\n)\n((?:— .+\n)+)$/.exec(note) ?? []
  const [, origin, size, root] = /^(.+)\n(\d+)\n([A-Za-z0-9+/=]+)\n$/.exec(text ?? '') ?? []
  if (text === undefined || signatures === undefined || origin === undefined)
    throw new AuditError('the checkpoint is not a signed note')
  const ours = signatures.split('\n').find((line) => line.startsWith(`— ${name} `))
  const encoded = ours?.split(' ')[2] ?? ''
  const signature = Buffer.from(encoded, 'base64')
  const valid =
    signature.length === 68 &&
    // Node's decoder overlooks what is not base64.
    signature.toString('base64') === encoded &&
    signature.subarray(0, 4).equals(keyId) &&
    verify(null, Buffer.from(text), publicKey, signature.subarray(4))
  if (!valid) throw new AuditError('the signature of the checkpoint does not hold')
  return { origin, size: Number(size), root: Buffer.from(root!, 'base64') }
}
