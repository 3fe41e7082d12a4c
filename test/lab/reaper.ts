/** Ends what a lab has started when the lab itself is gone, even by kill -9. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { sleep } from '../../bus/clock.ts'
import { leftOf, type Traces, tracesOf } from '../../tools/left-behind.ts'

/**
 * Waits for the end of its input, which the kernel closes for a dead lab; then kills whatever has
 * the folder in its command line or environment, until nothing has, and removes what such
 * processes leave: cgroups, mounts and the folder. It is told the folder by its input, so that it
 * is not taken for one of them.
 */
const SCRIPT = `
read -r folder
read -r mark
while read -r _; do :; done
for round in 1 2 3 4 5 6 7 8; do
  found=
  for pid in $(grep -slF "$folder" /proc/[0-9]*/environ /proc/[0-9]*/cmdline | cut -d/ -f3 | sort -u); do
    sed -n 's|^[^/]*\\(.*/bourse/[^/]*\\)/.*|\\1|p' "/proc/$pid/cgroup" >>"/tmp/bourse-reaper-$$"
    kill -KILL "$pid" && found=1
  done
  [ "$found" ] || break
  sleep 0.2
done 2>/dev/null
sort -u "/tmp/bourse-reaper-$$" 2>/dev/null | while read -r cgroup; do
  find /sys/fs/cgroup/*"$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
done
rm -f "/tmp/bourse-reaper-$$"
grep -F "$folder" /proc/mounts | cut -d' ' -f2 | while read -r mount; do umount -l "$mount"; done
ip netns list 2>/dev/null | grep -o "^bourse-lab-$mark-[^ ]*" | while read -r name; do ip netns delete "$name"; done
ip -o link 2>/dev/null | grep -o "bl$mark-[0-9]*" | sort -u | while read -r name; do ip link delete "$name"; done
rm -rf "$folder"
`

export interface Reaper {
  /** The lab has cleaned up itself. */
  dismiss(): void
}

/** `mark`: what the names of the lab's networks begin with. */
export function startReaper(folder: string, mark: string): Reaper {
  const child = spawn('sh', ['-c', SCRIPT], {
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  // It may be gone before we are.
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${folder}\n${mark}\n`)
  return { dismiss: () => void child.kill('SIGKILL') }
}

/** Of all looks at the machine while the lab ran. */
export class Leftovers {
  readonly #folder: string
  readonly #traces: Traces[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  look(): void {
    this.#traces.push(tracesOf([this.#folder]))
  }

  /** What stays of it, a line each; the folder itself is no matter. Who is ending may end. */
  async left(): Promise<readonly string[]> {
    for (let round = 0; round < ROUNDS && this.#leftNow().length > 0; round++) await sleep(ROUND_MS)
    return this.#leftNow()
  }

  #leftNow(): readonly string[] {
    const own = `folder ${this.#folder}`
    const found = this.#traces.flatMap(leftOf).filter((line) => line !== own)
    return [...new Set([...found, ...mountsBelow(this.#folder).map((path) => `mount ${path}`)])]
  }

  /** Kills and removes what is left of it. */
  async clear(): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      const { processes } = tracesOf([this.#folder])
      if (processes.length === 0) break
      for (const one of processes) kill(Number.parseInt(one, 10))
      await sleep(ROUND_MS)
    }
    for (const { cgroups } of this.#traces) for (const path of cgroups) removeTree(path)
    for (const path of mountsBelow(this.#folder))
      execFileSync('umount', ['-l', path], { stdio: 'ignore' })
  }
}

const ROUNDS = 20
const ROUND_MS = 100

function mountsBelow(folder: string): readonly string[] {
  const paths = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
  return paths.filter((path) => path.startsWith(folder))
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}

/** A cgroup with those below it; one that still holds a process stays. */
function removeTree(path: string): void {
  if (!existsSync(path)) return
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(`${path}/${entry.name}`)
  try {
    rmdirSync(path)
  } catch {
    // It is in use, or gone.
  }
}
