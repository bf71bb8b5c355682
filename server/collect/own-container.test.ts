import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readOwnContainerId } from './own-container.ts'

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-own-'))
afterAll(() => rmSync(folder, { recursive: true }))

function idIn(mountinfo: string): string | null {
  const path = join(folder, 'mountinfo')
  writeFileSync(path, mountinfo)
  return readOwnContainerId(path)
}

const ID = '0123456789abcdef'.repeat(4)

test('inside of a container its id stands in the mounts', () => {
  const root = '/var/lib/docker/containers'
  expect(
    idIn(`640 620 0:50 / / rw - overlay overlay rw
650 640 254:1 ${root}/${ID}/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/vda1 rw
651 640 254:1 ${root}/${ID}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw
`),
  ).toBe(ID)
})

test('outside of one there is none', () => {
  expect(idIn('25 1 254:1 / / rw,relatime - ext4 /dev/vda1 rw\n')).toBeNull()
  expect(idIn(`25 1 254:1 /volumes/${ID}/data /data rw - ext4 /dev/vda1 rw\n`)).toBeNull()
})

test('on a system without that file there is none', () => {
  expect(readOwnContainerId(join(folder, 'nothing'))).toBeNull()
})
