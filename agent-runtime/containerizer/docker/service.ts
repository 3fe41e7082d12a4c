/** Finds the container service of this machine. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
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
 * containers of this work directory.
 */
export async function findService(
  workDir: string,
  wanted?: string,
): Promise<FoundService | { readonly missing: string }> {
  const before = hasContainers(workDir) ? keptIn(workDir) : undefined
  const usual = before === undefined ? usualSockets() : [before, ...usualSockets()]
  const paths = wanted === undefined ? usual : [pathOf(wanted)]
  const there = paths.filter((path) => existsSync(path))
  // All at once: who hangs is waited for, and the agent's own tasks meanwhile wait for it.
  const asked = there.map((socketPath) => ({ socketPath, name: nameOf(socketPath) }))
  for (const { socketPath, name } of asked) {
    const images = await name
    if (images === undefined) continue
    keep(workDir, socketPath)
    return { socketPath, images }
  }
  const missing = sentenceOf(wanted, paths)
  return before === undefined ? { missing } : { socketPath: before, missing }
}

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

function sentenceOf(wanted: string | undefined, paths: readonly string[]): string {
  const where = paths.join(', ')
  if (wanted === 'none') return 'no task can run in an image: no container service is wanted'
  return `no task can run in an image: no container service answers at ${where}`
}

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

function keptIn(workDir: string): string | undefined {
  const path = join(workDir, KEPT)
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
}
