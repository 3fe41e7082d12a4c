import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type OciTask, ociConfig } from '../../../agent-runtime/containerizer/oci/config.ts'
import { ociLinux, ociWords, ownLimits } from '../../../agent-runtime/containerizer/oci/oci.ts'
import { ociUser } from '../../../agent-runtime/containerizer/oci/user.ts'

const task: OciTask = {
  container: {
    kind: 'oci',
    root: '/r',
    volumes: [{ hostPath: '/a', containerPath: '/b', readOnly: true }],
  },
  command: { shell: 'exit 3' },
  environment: { A: 'b=c' },
  user: { uid: 5, gid: 6 },
  sandboxPath: "/it's",
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }],
}

test('a task has no capabilities, no new privileges, a read-only root and no cgroups', (t) => {
  const config = ociConfig(task) as Record<string, Record<string, unknown>>
  t.like(config['process'], {
    user: { uid: 5, gid: 6 },
    args: ['/bin/sh', '-c', 'exit 3'],
    env: ['A=b=c'],
    cwd: '/mnt/bourse/sandbox',
    noNewPrivileges: true,
    rlimits: task.rlimits,
  })
  const { capabilities = {} } = config['process'] as { capabilities?: Record<string, string[]> }
  t.deepEqual(Object.values(capabilities).flat(), [])
  t.is(Object.keys(capabilities).length, 5)
  t.deepEqual(config['root'], { path: 'root', readonly: true })
  t.like(config['linux'], { cgroupsPath: undefined, resources: undefined })
  t.deepEqual(config['linux']?.['namespaces'], [{ type: 'mount' }, { type: 'ipc' }])
})

test('sandbox and volumes are the last mounts, in their order', (t) => {
  const { mounts } = ociConfig(task) as { mounts: { source: string; options: string[] }[] }
  t.deepEqual(
    mounts.slice(-2).map(({ source, options }) => [source, options.at(-1)]),
    [
      ["/it's", 'rw'],
      ['/a', 'ro'],
    ],
  )
})

test('limits are those of the agent, and none is made up', (t) => {
  const text = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             unlimited            unlimited            processes ',
    'Max open files            1024                 4096                 files     ',
  ].join('\n')
  t.deepEqual(ownLimits(text), [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 }])
  t.deepEqual(ownLimits(''), [])
})

test('it has processes of its own, and a network if it wants none', (t) => {
  t.deepEqual(ociLinux({ kind: 'oci', root: '/r' }), { namespaces: ['pid'] })
  t.deepEqual(ociLinux({ kind: 'oci', root: '/r', network: 'none' }).namespaces, ['pid', 'network'])
})

test('any path is quoted for the shell', (t) => {
  const oci = { bundle: "/a'b", script: '/a.pl', systemCalls: '1 2 3', rlimits: [] }
  const { isolate, run, check } = ociWords(oci, '/x,y:z', task)
  t.true(isolate.some((line) => line.includes("mount -n --bind '/x,y:z' below")))
  t.true(isolate[0]?.includes("'/a'\\''b'"))
  t.is(run.at(-1), 'task')
  t.deepEqual(check.slice(-2), ['exec', 'task'])
})

test('a user is looked up in the root alone, and a number needs no entry', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'bourse-oci-user-'))
  try {
    t.deepEqual(ociUser(root, undefined), { uid: 0, gid: 0, prefix: [] })
    t.deepEqual(ociUser(root, '7'), { uid: 7, gid: 7, prefix: [] })
    t.regex((ociUser(root, 'root') as { refused: string }).refused, /no user "root"/)
    mkdirSync(join(root, 'etc'))
    writeFileSync(join(root, 'etc', 'passwd'), 'web:x:33:44::/:\nbad:x:y:z\n')
    t.deepEqual(ociUser(root, 'web'), { uid: 33, gid: 44, prefix: [] })
    t.deepEqual(ociUser(root, '33'), { uid: 33, gid: 44, prefix: [] })
    for (const name of ['bad', '', '-1', '1.5', '99999999999'])
      t.true('refused' in ociUser(root, name), name)
    rmSync(join(root, 'etc', 'passwd'))
    symlinkSync('/etc/passwd', join(root, 'etc', 'passwd'))
    t.true('refused' in ociUser(root, 'root'), 'the machine has other users')
  } finally {
    rmSync(root, { recursive: true })
  }
})
