import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { detectLayout, findDirectories } from './cgroup-paths.ts'
import { ownTree, RECORDED, recordedTree } from './cgroup-stand-in.ts'

const ID = 'c0ffee'.padEnd(64, '0')
const OTHER = 'badc0de'.padEnd(64, '0')
const PID = 77

type Tree = ReturnType<typeof ownTree>

/** Where the container is found, relative to the root. */
function found(tree: Pick<Tree, 'cgroupRoot' | 'procRoot'>, id: string = ID, pid: number | null = PID) {
  const { cgroupRoot, procRoot } = tree
  const detected = detectLayout(cgroupRoot)
  if (!detected.ok) return detected.reason
  const { layout } = detected
  const result = findDirectories({ cgroupRoot, procRoot, layout }, id, pid)
  if (!result.ok) return result.reason
  return Object.fromEntries(
    Object.entries(result.directories).map(([name, path]) => [name, path.slice(cgroupRoot.length + 1)]),
  )
}

const v2 = (place: string, cgroup: string) =>
  ownTree({
    'cgroup/cgroup.controllers': 'cpu io memory pids\n',
    [`cgroup/${place}/cpu.stat`]: 'usage_usec 1\n',
    [`proc/${PID}/cgroup`]: cgroup,
  })

describe('the layout', () => {
  test('is told from the files under the root', () => {
    const kindOf = (root: string) => {
      const detected = detectLayout(root)
      return detected.ok ? detected.layout.kind : detected.reason
    }
    expect(kindOf(recordedTree('hybrid').cgroupRoot)).toBe('hybrid')
    expect(kindOf(recordedTree('systemd').cgroupRoot)).toBe('v2')
    using v1 = ownTree({ 'cgroup/memory/cgroup.procs': '', 'cgroup/cpuacct/cgroup.procs': '' })
    expect(kindOf(v1.cgroupRoot)).toBe('v1')
    using empty = ownTree({ 'cgroup/readme': '' })
    expect(kindOf(empty.cgroupRoot)).toBe(`no cgroup hierarchy is mounted at ${empty.cgroupRoot}`)
    expect(kindOf('/nowhere')).toMatch(/^\/nowhere cannot be read: ENOENT/)
  })

  test('controllers of v1 may be mounted together, with links by their single names, broken ones too', () => {
    using tree = ownTree({
      'cgroup/cpu,cpuacct/cgroup.procs': '',
      [`cgroup/cpu,cpuacct/docker/${ID}/cpuacct.usage`]: '1\n',
      'cgroup/memory/cgroup.procs': '',
      'cgroup/systemd/cgroup.procs': '',
    })
    symlinkSync('cpu,cpuacct', join(tree.cgroupRoot, 'cpu'))
    symlinkSync('/nowhere/cpu,cpuacct', join(tree.cgroupRoot, 'cpuacct'))
    expect(found(tree)).toMatchObject({
      cpu: expect.stringMatching(`^cpu(,cpuacct)?/docker/${ID}$`),
      cpuacct: `cpu,cpuacct/docker/${ID}`,
    })
  })
})

describe('a container is found', () => {
  test('in the recorded trees, with its process and without', () => {
    for (const pid of [RECORDED.hybrid.pid, null])
      expect(found(recordedTree('hybrid'), RECORDED.hybrid.id, pid)).toEqual(
        Object.fromEntries(
          ['blkio', 'cpu', 'cpuacct', 'memory', 'pids', 'unified'].map((name) => [
            name,
            `${name}/docker/${RECORDED.hybrid.id}`,
          ]),
        ),
      )
    for (const pid of [RECORDED.systemd.pid, null])
      expect(found(recordedTree('systemd'), RECORDED.systemd.id, pid)).toEqual({
        unified: `system.slice/docker-${RECORDED.systemd.id}.scope`,
      })
  })

  test('where its process moved into a group of its own below', () => {
    expect(found(recordedTree('cgroupfs'), RECORDED.cgroupfs.id, RECORDED.cgroupfs.pid)).toEqual({
      unified: `docker/${RECORDED.cgroupfs.id}`,
    })
  })

  test('under a parent that nobody could guess', () => {
    using tree = v2(
      `apps.slice/apps-web.slice/docker-${ID}.scope`,
      `0::/apps.slice/apps-web.slice/docker-${ID}.scope\n`,
    )
    expect(found(tree)).toEqual({ unified: `apps.slice/apps-web.slice/docker-${ID}.scope` })
  })

  test('of an engine without root, under the slice of its user', () => {
    const place = `user.slice/user-1000.slice/user@1000.service/user.slice/docker-${ID}.scope`
    using tree = v2(place, '')
    expect(found(tree, ID, null)).toEqual({ unified: place })
  })

  test('where each controller of v1 has a path of its own', () => {
    using tree = ownTree({
      'cgroup/memory/cgroup.procs': '',
      'cgroup/cpuacct/cgroup.procs': '',
      'cgroup/pids/cgroup.procs': '',
      [`cgroup/memory/big/docker/${ID}/memory.stat`]: '',
      [`cgroup/cpuacct/docker/${ID}/cpuacct.usage`]: '',
      [`proc/${PID}/cgroup`]: `4:memory:/big/docker/${ID}\n3:pids:/\n2:cpu,cpuacct:/docker/${ID}\n1:name=systemd:/\n`,
    })
    expect(found(tree)).toEqual({ memory: `memory/big/docker/${ID}`, cpuacct: `cpuacct/docker/${ID}` })
  })

  test('when the reader is in a cgroup namespace of its own: the path begins outside of it', () => {
    using sibling = v2(`system.slice/docker-${ID}.scope`, `0::/../docker-${ID}.scope\n`)
    expect(found(sibling)).toEqual({ unified: `system.slice/docker-${ID}.scope` })
    using nested = v2(`kube.slice/pod.slice/cri-${ID}.scope`, `0::/../../pod.slice/cri-${ID}.scope\n`)
    expect(found(nested)).toEqual({ unified: `kube.slice/pod.slice/cri-${ID}.scope` })
  })

  test('when the mount shows only the part of the tree below another container', () => {
    using tree = v2(`docker/${ID}`, `0::/docker/${OTHER}/docker/${ID}\n`)
    expect(found(tree)).toEqual({ unified: `docker/${ID}` })
  })
})

describe('a container is not found', () => {
  test('when its cgroup is not visible, and the reason says what to mount', () => {
    using outside = v2('init.scope', `0::/system.slice/docker-${ID}.scope\n`)
    expect(found(outside)).toBe(
      `its cgroup is outside of ${outside.cgroupRoot}: mount the host's whole /sys/fs/cgroup there`,
    )
    using nothing = v2('init.scope', '0::/\n')
    expect(found(nothing)).toMatch(/^no cgroup of it under .* nor a process of it under .*: mount the host's there/)
  })

  test('by the number of a process that is another container’s by now', () => {
    using tree = v2(`docker/${OTHER}`, `0::/docker/${OTHER}\n`)
    expect(found(tree)).toMatch(/^no cgroup of it/)
  })

  test.each(['', '..', '../../etc', 'C0FFEE', 'a'.repeat(63), `${'a'.repeat(64)}/..`])('by the id "%s"', (id) => {
    expect(found(recordedTree('systemd'), id, null)).toBe('not a container id')
  })
})
