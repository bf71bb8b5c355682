import { createHash } from 'node:crypto'

/** SHA-256 of the parts one after the other. */
export function sha256(...parts: (Buffer | string)[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const LEAF = Buffer.from([0])
const NODE = Buffer.from([1])

/** Hash of a leaf of the tree (RFC 6962, 2.1): SHA-256(0x00 ‖ entry). */
export function leafHash(entry: Buffer | string): Buffer {
  return sha256(LEAF, entry)
}

/**
 * A Merkle tree of RFC 6962 that only grows: it keeps the roots of its complete subtrees, largest first, so that a leaf
 * and a root cost O(log n) and nothing else is held.
 */
export type MerkleTree = { size: number; subtrees: { leaves: number; hash: Buffer }[] }

/** The empty tree. */
export function emptyTree(): MerkleTree {
  return { size: 0, subtrees: [] }
}

/** Adds one leaf in place. */
export function appendLeaf(tree: MerkleTree, entry: Buffer | string): void {
  let node = { leaves: 1, hash: leafHash(entry) }
  for (let last = tree.subtrees.at(-1); last?.leaves === node.leaves; last = tree.subtrees.at(-1)) {
    tree.subtrees.pop()
    node = { leaves: node.leaves * 2, hash: sha256(NODE, last.hash, node.hash) }
  }
  tree.subtrees.push(node)
  tree.size += 1
}

/** The root over all leaves; SHA-256 of nothing for the empty tree. */
export function rootHash(tree: MerkleTree): Buffer {
  const last = tree.subtrees.at(-1)
  if (last === undefined) return sha256('')
  return tree.subtrees.slice(0, -1).reduceRight((right, { hash }) => sha256(NODE, hash, right), last.hash)
}
