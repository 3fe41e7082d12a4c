/** Looking into sandboxes, with a task that names its files as nobody would. */
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Cluster, openCluster, runBourse } from '../support/cluster.ts'

/** Any bytes, more than one answer brings, and a hole; names with line ends, escapes, no UTF-8. */
const HOSTILE = String.raw`
mkdir -p out/deep 'a
b'
head -c 5000000 /dev/urandom >out/deep/data
sha256sum <out/deep/data | cut -c1-64
truncate -s 300M out/holes
printf end >>out/holes
printf '\033[31m' >"out/$(printf '\033[2Jred')"
printf x >"out/$(printf '\377\376')"
ln -s /etc/passwd out/passwd
ln -s / root
mkfifo out/pipe
chmod +x out/deep/data
echo gone >&2
`

let cluster: Cluster
test.before(async () => {
  cluster = await openCluster()
  await cluster.start('allocator')
  await cluster.start('agent', '--id', 'a1', '--work-dir', join(cluster.folder, 'a1'))
})
test.after.always(() => cluster?.close())

const bourse = (...args: string[]) => runBourse(cluster.env, ...args)
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('files of a task are listed, printed and copied; also by a leader that never heard of it', async (t) => {
  t.timeout(240_000)
  const first = await cluster.start('master', '--id', 'm1')
  const ran = await bourse('run', '--name', 'h', '--', 'sh', '-c', HOSTILE)
  t.is(ran.code, 0, ran.stderr)
  const sum = ran.stdout.trim()

  const list = await bourse('ls', 'h-0:out')
  t.is(list.code, 0, list.stderr)
  t.false(list.stdout.includes('\x1b'))
  for (const shown of ['passwd -> /etc/passwd', 'deep/', '\\x1b[2Jred', '\\xff\\xfe', 'prw'])
    t.true(list.stdout.includes(shown), `${shown} in ${list.stdout}`)
  const json = await bourse('ls', '--json', 'h-0')
  const entries = json.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.true(entries.some(({ name, type }) => name === 'a\nb' && type === 'folder'))

  for (const [place, why] of [
    ['h-0:root/etc/passwd', 'symbolic link'],
    ['h-0:out/passwd', 'symbolic link'],
    ['h-0:out/pipe', 'it is a pipe'],
    ['h-0:out', 'it is a folder'],
    ['h-0:nothing', 'no such file'],
  ] as const) {
    const refused = await bourse('cat', place)
    t.is(refused.code, 1, place)
    t.is(refused.stdout, '', place)
    t.true(refused.stderr.includes(why), refused.stderr)
  }
  t.is((await bourse('cat', 'h-0:../x')).code, 64)
  t.is((await bourse('cat', 'h-0:/etc/passwd')).code, 64)

  await copies(t, sum, 'of a task that its leader knows')
  await first.end('SIGKILL')
  await cluster.start('master', '--id', 'm2')
  await copies(t, sum, 'of one that its leader never heard of')
  t.is((await bourse('logs', 'h-0')).stdout.trim(), sum)
  t.is((await bourse('logs', '--stderr', 'h-0')).stdout, 'gone\n')
  t.is((await bourse('cat', 'h-0:stdout')).stdout.trim(), sum)

  const flood = 'seq 1 30000'
  const size = 'CONTAINER_LOGGER_MAX_STDOUT_SIZE=64KB'
  await bourse('run', '--name', 'flood', '--env', size, '--', 'sh', '-c', flood)
  const logs = await bourse('logs', 'flood-0')
  t.regex(logs.stderr, /^bourse: \d+ bytes were taken away, as there were too many$/m)
  t.true(logs.stdout.endsWith('29999\n30000\n'), logs.stdout.slice(-20))
  t.true(logs.stdout.length < 65_536)
  const cat = await bourse('cat', 'flood-0:stdout')
  t.is(cat.stdout, logs.stdout)

  const launches = await bourse('ls', '--launches', '--json', 'h-0')
  const { launch, agentId } = JSON.parse(launches.stdout)
  t.is(agentId, 'a1')
  t.is((await bourse('logs', '--launch', launch, 'h-0')).stdout.trim(), sum)
  const other = await bourse('logs', '--launch', '1-x-1', 'h-0')
  t.is(other.code, 1)
  t.true(other.stderr.includes(launch), other.stderr)
  const nobody = await bourse('logs', 'nobody')
  t.true(nobody.stderr.includes('the one agent that is there'), nobody.stderr)
})

let copied = 0
async function copies(t: ExecutionContext, sum: string, which: string): Promise<void> {
  copied += 1
  const to = join(cluster.folder, `copy-${copied}`)
  mkdirSync(to)
  const done = await bourse('cp', 'h-0:out', to)
  t.is(done.code, 1, `${which}: what was left out is said`)
  t.regex(done.stderr, /not copied: out\/passwd: it is a symbolic link to \/etc\/passwd/)
  t.regex(done.stderr, /not copied: out\/pipe: it is a pipe/)
  const out = join(to, 'out')
  t.is(sha256(readFileSync(join(out, 'deep', 'data'))), sum, which)
  t.is(lstatSync(join(out, 'deep', 'data')).mode & 0o111, 0o111 & ~process.umask())
  const names = readdirSync(out, { encoding: 'buffer' }).map((name) => name.toString('latin1'))
  t.deepEqual(names.sort(), ['\x1b[2Jred', 'deep', 'holes', 'ÿþ'])
  const holes = lstatSync(join(out, 'holes'))
  t.is(holes.size, 300 * 1024 ** 2 + 3)
  t.true(holes.blocks * 512 < 1024 ** 2, 'a hole stays one')
}
