/** One member of a tar archive: a file with its content, or a symbolic link. */
export type TarMember = { name: string; content: Buffer } | { name: string; linkTo: string }

const BLOCK = 512

function header(member: TarMember): Buffer {
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`
  const isLink = 'linkTo' in member
  block.write(member.name, 0, 100)
  block.write(octal(0o755, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(isLink ? 0 : member.content.length, 12), 124)
  block.write(octal(0, 12), 136)
  block.write(' '.repeat(8), 148)
  block.write(isLink ? '2' : '0', 156)
  if (isLink) block.write(member.linkTo, 157, 100)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** A tar archive (ustar) of executable files and links, names up to 100 bytes. */
export function tarArchive(members: TarMember[]): Buffer {
  const parts: Buffer[] = []
  for (const member of members) {
    parts.push(header(member))
    if ('linkTo' in member) continue
    parts.push(member.content, Buffer.alloc((BLOCK - (member.content.length % BLOCK)) % BLOCK))
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)])
}
