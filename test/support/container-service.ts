/** A container service of our own: Debian's Podman with runc, in a folder that is removed again. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DockerApi } from '../../agent-runtime/containerizer/docker/api.ts'
import { allPids, readText, signalPid } from '../../agent-runtime/isolator/proc.ts'
import { sleep } from '../../bus/clock.ts'
import { hasProgram, type Need } from './needs.ts'

/** Of the image that is made for tests: a busybox, nothing else. */
export const AN_IMAGE = 'localhost/bourse-test'

const PROGRAMS = ['podman', 'conmon', 'runc', 'catatonit', 'busybox', 'tar', 'iptables']
const INSTALL =
  'apt-get install --no-install-recommends podman runc catatonit busybox-static iptables'
const LOOK_MS = 50

/** The first thing that is missing here. */
export function containerServiceNeed(): Need {
  if (process.getuid?.() !== 0)
    return { name: 'root, who may run a container service', found: false }
  const missing = PROGRAMS.find((program) => !hasProgram(program))
  if (missing !== undefined) return { name: missing, found: false, install: INSTALL }
  return { name: 'static busybox', found: isStatic('/bin/busybox'), install: INSTALL }
}

const processesNaming = (folder: string): readonly number[] =>
  allPids().filter((pid) => readText(`/proc/${pid}/cmdline`)?.includes(folder))

export class ContainerService implements AsyncDisposable {
  readonly folder: string
  readonly socketPath: string
  readonly api: DockerApi
  /** Of its own, so that the machine's real one is left alone. */
  readonly #bridge: string
  readonly #hadPortRules = natRules().length > 0
  readonly #forwarding = readFileSync(FORWARDING, 'utf8')
  #child: ChildProcess | undefined

  private constructor(folder: string) {
    this.folder = folder
    this.socketPath = join(folder, 'socket')
    this.api = new DockerApi(this.socketPath)
    this.#bridge = `bt${process.pid}`
  }

  static async open(): Promise<ContainerService> {
    const service = new ContainerService(mkdtempSync(join(tmpdir(), 'bourse-podman-')))
    mkdirSync(join(service.folder, 'networks'))
    writeFileSync(
      join(service.folder, 'networks', '87-podman.conflist'),
      JSON.stringify(networkOf(service.#bridge, join(service.folder, 'addresses'))),
    )
    await service.start()
    await service.#makeImage()
    return service
  }

  /** Again, after it was stopped: its containers went on meanwhile. */
  async start(): Promise<void> {
    const args = [...this.#options(), 'system', 'service', '--time=0', `unix://${this.socketPath}`]
    // What it says about each call is told to its callers as well.
    // Of who runs out of memory it writes a file `oom` to wherever it was started.
    this.#child = spawn('podman', args, { stdio: 'ignore', cwd: this.folder })
    while (
      (await this.api.call({ method: 'GET', path: '/_ping' }).catch(() => undefined)) === undefined
    )
      await sleep(LOOK_MS)
  }

  /** Without a word to anybody, as when it is killed. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }

  /** Names of all containers that it has. */
  async containers(): Promise<readonly string[]> {
    const { body } = await this.api.call({ method: 'GET', path: '/containers/json?all=true' })
    return (body as { Names: string[] }[]).map(({ Names }) => Names[0]?.slice(1) ?? '')
  }

  /** Removes all of it: containers, image, mounts, bridge, cgroups. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of await this.containers()) {
      await this.api.call({ method: 'DELETE', path: `/containers/${name}?force=true&v=true` })
    }
    await this.stop()
    // Who has run a check for it stays for five minutes, and would make the folder anew then.
    for (const pid of processesNaming(this.folder)) signalPid(pid, 'SIGKILL')
    for (const path of mountsBelow(this.folder)) execFileSync('umount', [path])
    rmSync(this.folder, { recursive: true })
    if (existsSync(`/sys/class/net/${this.#bridge}`)) this.#removeBridge()
    removeEmptyCgroups()
  }

  /** With all that the plug-ins of a bridge leave: rules of ports, addresses, forwarding. */
  #removeBridge(): void {
    execFileSync('ip', ['link', 'delete', this.#bridge])
    // Another that runs now has ports, and needs what they share.
    if (this.#hadPortRules || hasPorts()) return
    removePortRules()
    writeFileSync(FORWARDING, this.#forwarding)
  }

  #options(): readonly string[] {
    const flags = {
      root: join(this.folder, 'root'),
      runroot: join(this.folder, 'run'),
      tmpdir: join(this.folder, 'tmp'),
      'network-config-dir': join(this.folder, 'networks'),
      'storage-driver': 'overlay',
      'cgroup-manager': 'cgroupfs',
      'events-backend': 'file',
      runtime: 'runc',
    }
    return Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  }

  async #makeImage(): Promise<void> {
    const root = join(this.folder, 'image')
    for (const name of ['bin', 'etc', 'tmp', 'proc', 'dev', 'sys']) {
      mkdirSync(join(root, name), { recursive: true })
    }
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
    const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' })
    for (const name of applets.split('\n').filter((one) => /^[a-z0-9]+$/.test(one))) {
      if (name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name))
    }
    writeFileSync(join(root, 'etc/passwd'), PASSWD)
    const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const path = `/images/create?fromSrc=-&repo=${encodeURIComponent(AN_IMAGE)}`
    const asked = request({ method: 'POST', path, socketPath: this.socketPath })
    tar.stdout.pipe(asked)
    const [answer] = await once(asked, 'response')
    answer.resume()
    await once(answer, 'end')
  }
}

const PASSWD = 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n'
/** Podman's name for what `bridge` means. */
const NETWORK = 'podman'

function networkOf(bridge: string, dataDir: string) {
  const ipam = {
    type: 'host-local',
    dataDir,
    routes: [{ dst: '0.0.0.0/0' }],
    ranges: [[{ subnet: SUBNET }]],
  }
  return {
    cniVersion: '0.4.0',
    name: NETWORK,
    plugins: [
      { type: 'bridge', bridge, isGateway: true, ipMasq: true, hairpinMode: true, ipam },
      { type: 'portmap', capabilities: { portMappings: true } },
      { type: 'tuning' },
    ],
  }
}

/** Of those that Podman never takes by itself, and each process of tests another. */
const SUBNET = `10.215.${process.pid % 256}.0/24`

function isStatic(path: string): boolean {
  // A program that needs an interpreter names it in its head.
  return existsSync(path) && !readFileSync(path).subarray(0, 4096).includes('/lib64/ld-')
}

/** What the plug-in for mapped ports adds to the machine's rules, and what of it is a jump. */
const PORT_CHAINS = /^-(?:N|A) .*CNI-HOSTPORT-/
const PORT_JUMP = /^-A (?:PREROUTING|OUTPUT|POSTROUTING) /
const FORWARDING = '/proc/sys/net/ipv4/ip_forward'

function natRules(): readonly string[] {
  const rules = execFileSync('iptables', ['-w', '-t', 'nat', '-S'], { encoding: 'utf8' })
  return rules.split('\n').filter((rule) => PORT_CHAINS.test(rule))
}

/** Some container of this machine has mapped ports. */
function hasPorts(): boolean {
  const rules = execFileSync('iptables', ['-w', '-t', 'nat', '-S'], { encoding: 'utf8' })
  return rules.includes('-N CNI-DN-')
}

function removePortRules(): void {
  const rules = natRules()
  const chains = rules.filter((rule) => rule.startsWith('-N')).map((rule) => rule.slice(3))
  const lines = [
    ...rules.filter((rule) => PORT_JUMP.test(rule)).map((rule) => rule.replace('-A', '-D')),
    ...chains.map((chain) => `-F ${chain}`),
    ...chains.map((chain) => `-X ${chain}`),
  ]
  const input = ['*nat', ...lines, 'COMMIT', ''].join('\n')
  execFileSync('iptables-restore', ['-w', '--noflush'], { input })
}

/** Innermost first. */
function mountsBelow(folder: string): readonly string[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
    .toReversed()
}

/** Podman keeps the parents of its cgroups. One that is used is not empty and stays. */
function removeEmptyCgroups(): void {
  for (const hierarchy of readdirSync('/sys/fs/cgroup')) {
    for (const name of ['libpod_parent/conmon', 'libpod_parent']) {
      try {
        rmdirSync(join('/sys/fs/cgroup', hierarchy, name))
      } catch {
        // In use by another service, or never made.
      }
    }
  }
}
