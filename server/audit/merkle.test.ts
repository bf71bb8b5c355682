import fc from 'fast-check'
import { expect, test } from 'vitest'
import { appendLeaf, emptyTree, leafHash, rootHash, sha256 } from './merkle.ts'

/** Leaves and roots of the reference implementation, certificate-transparency: merkle_tree_test.cc. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

test('the roots are those of the reference implementation, from the empty tree to eight leaves', () => {
  const tree = emptyTree()
  const roots = [rootHash(tree).toString('hex')]
  for (const leaf of LEAVES) {
    appendLeaf(tree, Buffer.from(leaf, 'hex'))
    roots.push(rootHash(tree).toString('hex'))
  }
  expect(roots).toEqual(ROOTS)
})

/** RFC 6962, 2.1, word for word: split at the largest power of two below the number of leaves. */
function definedRoot(leaves: string[]): Buffer {
  if (leaves.length === 0) return sha256('')
  if (leaves.length === 1) return leafHash(leaves[0]!)
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256(Buffer.from([1]), definedRoot(leaves.slice(0, split)), definedRoot(leaves.slice(split)))
}

test('the growing tree is the recursive definition, for any leaves', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { maxLength: 70 }), (leaves) => {
      const tree = emptyTree()
      for (const leaf of leaves) appendLeaf(tree, leaf)
      expect(tree.size).toBe(leaves.length)
      expect(rootHash(tree).equals(definedRoot(leaves))).toBe(true)
    }),
  )
})

test('it holds one hash for each power of two, however many leaves there are', () => {
  const tree = emptyTree()
  for (let leaf = 0; leaf < 1000; leaf++) appendLeaf(tree, String(leaf))
  // 1000 = 512 + 256 + 128 + 64 + 32 + 8
  expect(tree.subtrees.map(({ leaves }) => leaves)).toEqual([512, 256, 128, 64, 32, 8])
})
