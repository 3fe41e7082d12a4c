/** The examples in other languages, as somebody runs them who has only them and a NATS server. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import type { ExecutionContext } from 'ava'
import { hasProgram, needs } from './needs.ts'
import { hasMsgpack, PYTHON } from './python.ts'

export const LANGUAGES = ['Python', 'C'] as const
export type Language = (typeof LANGUAGES)[number]

export const EVENTS = [PYTHON, '-B', '-u', 'examples/python/events.py'] as const

const LIBRARIES = ['libnats', 'msgpack']
const TOOLS = ['gcc', 'make', 'pkg-config']

/** First line of a test that runs the framework in `language`. */
export function hasLanguage(t: ExecutionContext, language: Language): boolean {
  if (language === 'Python') return hasMsgpack(t)
  const found =
    TOOLS.every(hasProgram) && spawnSync('pkg-config', ['--exists', ...LIBRARIES]).status === 0
  const packages = 'gcc make pkg-config libc6-dev libnats-dev libmsgpack-dev'
  return needs(t, { name: 'libnats or libmsgpack', found, install: `apt-get install ${packages}` })
}

/** The program and arguments that run it; what is compiled is compiled into `folder`. */
export function frameworkIn(language: Language, folder: string): readonly string[] {
  if (language === 'Python') return [PYTHON, '-B', 'examples/python/framework.py']
  const { status, stdout, stderr } = spawnSync('make', ['-C', 'examples/c', `BUILD=${folder}`], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
  return [`${folder}/framework`]
}

export interface Ended {
  readonly code: number | null
  readonly lines: readonly string[]
  readonly stderr: string
}

export interface Listener {
  /** Resolves with the first line that matches, of those that came and those that will. */
  hears(pattern: RegExp): Promise<string>
}

/** Starts what prints line after line; ended when the test is over. */
export function startListener(
  t: ExecutionContext,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Listener {
  const [program = '', ...args] = argv
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const waiting = new Set<{ pattern: RegExp; resolve: (line: string) => void }>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    for (const waiter of waiting) {
      if (!waiter.pattern.test(line)) continue
      waiting.delete(waiter)
      waiter.resolve(line)
    }
  })
  return {
    hears(pattern) {
      const heard = lines.find((line) => pattern.test(line))
      if (heard !== undefined) return Promise.resolve(heard)
      return new Promise((resolve) => waiting.add({ pattern, resolve }))
    },
  }
}

/** Runs it to its end. */
export async function runProgram(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const [program = '', ...args] = argv
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
  const exit = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await exit
  return { code, lines: stdout.trimEnd().split('\n'), stderr }
}
