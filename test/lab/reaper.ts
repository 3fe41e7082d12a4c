/** Ends what a lab or a row has started when its process is gone, even by kill -9. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { sleep } from '../../bus/clock.ts'
import { leftOf, type Traces, tracesOf } from '../../tools/left-behind.ts'
import { agentsIn, cgroupsOf } from './agent-cgroups.ts'
import { LAB_MARK } from './wires.ts'

/**
 * Waits for the end of its input, which the kernel closes for a process that has died; then kills
 * whatever has the folder in its command line or environment, until nothing has, and removes what
 * such processes leave: cgroups, mounts, networks and the folder, unless the last line says `keep`.
 * It is told the folder by its input, so that it is not taken for one of them. Signals that end its
 * process come to all of a terminal, or of a group that has nobody any more and stands still: they
 * do not end it.
 *
 * Cgroups are those of agents whose work directories lie in the folder, by their names, as an agent
 * without a task has no process in its own; and those that are called like the folder. Whoever has
 * just been killed may hold one for a moment more.
 */
const SCRIPT = `
trap '' HUP INT TERM
read -r folder
read -r mark
while read -r line; do keep=$line; done
for round in 1 2 3 4 5 6 7 8; do
  found=
  for pid in $(grep -slF "$folder" /proc/[0-9]*/environ /proc/[0-9]*/cmdline | cut -d/ -f3 | sort -u); do
    kill -KILL "$pid" && found=1
  done
  [ "$found" ] || break
  sleep 0.2
done 2>/dev/null
{
  find "$folder" -maxdepth 3 -name agent-id | while read -r file; do
    printf '%s %s' "$(cat "$file")" "\${file%/agent-id}" | sha256sum | cut -c1-16
  done
  echo "\${folder##*/}"
} 2>/dev/null | while read -r name; do find /sys/fs/cgroup -type d -path "*/$name" -prune; done | while read -r base; do
  for round in 1 2 3 4 5 6 7 8; do
    find "$base" -depth -type d -exec rmdir {} + && break
    sleep 0.1
  done
  case $base in */bourse/*) rmdir "\${base%/*}" ;; esac
done 2>/dev/null
grep -F "$folder" /proc/mounts | cut -d' ' -f2 | while read -r mount; do umount -l "$mount"; done
ip netns list 2>/dev/null | grep -o "^bourse-lab-$mark-[^ ]*" | while read -r name; do ip netns delete "$name"; done
ip -o link 2>/dev/null | grep -o "bl$mark-[0-9]*" | sort -u | while read -r name; do ip link delete "$name"; done
[ "$keep" ] || rm -rf "$folder"
`

export interface Reaper {
  /** The folder stays, however this process ends. */
  keep(): void
  /** All is cleared up, or is to stay as it is. */
  dismiss(): void
}

/**
 * For all that has to do with the folder, should this process end before it says `dismiss`: with an
 * exit all is gone before it is, with kill -9 soon afterwards.
 */
export function startReaper(folder: string): Reaper {
  const env = { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` }
  const child = spawn('sh', ['-c', SCRIPT], {
    env,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.unref()
  // It may be gone before we are.
  child.stdin.on('error', () => undefined)
  let input = `${folder}\n${LAB_MARK}\n`
  child.stdin.write(input)
  const reap = (): void => {
    spawnSync('sh', ['-c', SCRIPT], { env, input, stdio: ['pipe', 'ignore', 'ignore'] })
    child.kill('SIGKILL')
  }
  // What others remove at an exit is in use before.
  process.prependOnceListener('exit', reap)
  return {
    keep() {
      input += KEEP
      child.stdin.write(KEEP)
    },
    dismiss() {
      process.off('exit', reap)
      child.kill('SIGKILL')
    },
  }
}

const KEEP = 'keep\n'

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
    // An agent that had been killed has not removed its own.
    for (const [agentId, workDir] of agentsIn(this.#folder))
      for (const path of cgroupsOf(agentId, workDir)) removeTree(path)
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
