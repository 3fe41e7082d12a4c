/** Finds the container service of this machine. */
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DockerApi, SOON_MS_MAX } from './api.ts'

export interface FoundService {
  readonly socketPath: string
  /** As it calls itself; absent: it does not answer, but containers were given to it. */
  readonly images?: string
  /** A sentence for people, if none answers. */
  readonly missing?: string
}

/** Which service it was, for an agent that does not find it any more. */
const KEPT = 'container-service'

/**
 * `wanted`: a path, `unix://PATH` or `none`. Undefined: this machine has none, and had none for the
 * containers of this work directory. While there are some, only theirs is asked: any other knows
 * nothing of them, and they would count as removed.
 */
export async function findService(
  workDir: string,
  wanted?: string,
): Promise<FoundService | { readonly missing: string }> {
  const before = hasContainers(workDir) ? keptIn(workDir) : undefined
  if (before !== undefined) return goOnWith(before, wanted)
  const paths = wanted === undefined ? usualSockets() : [pathOf(wanted)]
  const there = paths.filter((path) => existsSync(path))
  // All at once: who hangs is waited for, and the agent's own tasks meanwhile wait for it.
  const asked = there.map((socketPath) => ({ socketPath, name: nameOf(socketPath) }))
  for (const { socketPath, name } of asked) {
    const images = await name
    if (images === undefined) continue
    keep(workDir, socketPath)
    return { socketPath, images }
  }
  return { missing: wanted === NONE ? NONE_WANTED : `${NO_IMAGES} answers at ${paths.join(', ')}` }
}

/** Where another one is wanted, it gets no more tasks, so that it is free of them some day. */
async function goOnWith(socketPath: string, wanted?: string): Promise<FoundService> {
  if (wanted === NONE) return { socketPath, missing: NONE_WANTED }
  if (wanted !== undefined && realOf(pathOf(wanted)) !== realOf(socketPath)) {
    return { socketPath, missing: otherWanted(socketPath, pathOf(wanted)) }
  }
  const images = await nameOf(socketPath)
  if (images !== undefined) return { socketPath, images }
  return { socketPath, missing: `${NO_IMAGES} answers at ${socketPath}, where its containers are` }
}

const NONE = 'none'
const NO_IMAGES = 'no task can run in an image: no container service'
const NONE_WANTED = `${NO_IMAGES} is wanted`

const otherWanted = (before: string, wanted: string): string =>
  `no task can run in an image: the agent still has containers of ${before}: end their tasks, then start it again to use ${wanted}`

/** One service may have several names. */
const realOf = (path: string): string => (existsSync(path) ? realpathSync(path) : path)

function usualSockets(): readonly string[] {
  const { DOCKER_HOST: host = '', XDG_RUNTIME_DIR: own } = process.env
  return [
    ...(host.startsWith(SCHEME) ? [pathOf(host)] : []),
    '/var/run/docker.sock',
    '/run/podman/podman.sock',
    ...(own === undefined ? [] : [join(own, 'docker.sock'), join(own, 'podman/podman.sock')]),
  ]
}

const SCHEME = 'unix://'
const pathOf = (text: string): string =>
  text.startsWith(SCHEME) ? text.slice(SCHEME.length) : text

async function nameOf(socketPath: string): Promise<string | undefined> {
  const ping = { method: 'GET', path: '/_ping', answerMsMax: SOON_MS_MAX } as const
  const answer = await new DockerApi(socketPath).call(ping).catch(() => undefined)
  if (answer?.status !== 200) return undefined
  return String(answer.headers?.['server'] ?? 'unknown').slice(0, NAME_LENGTH_MAX)
}

/** Of an attribute that nobody reads at length. */
const NAME_LENGTH_MAX = 128

function hasContainers(workDir: string): boolean {
  const notes = join(workDir, 'docker')
  return existsSync(notes) && readdirSync(notes).length > 0
}

function keep(workDir: string, socketPath: string): void {
  try {
    if (keptIn(workDir) !== socketPath) writeFileSync(join(workDir, KEPT), `${socketPath}\n`)
  } catch {
    // The disk is full. Only who does not find the service again needs it.
  }
}

/** Undefined also where a full disk has left nothing of it. */
function keptIn(workDir: string): string | undefined {
  const path = join(workDir, KEPT)
  return existsSync(path) ? readFileSync(path, 'utf8').trim() || undefined : undefined
}
