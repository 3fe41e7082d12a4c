/**
 * The house style as functions: each takes files and says what is wrong and what to use instead.
 */
import { posix } from 'node:path'

export interface SourceFile {
  /** From the project's root, with `/`. */
  readonly path: string
  readonly text: string
}
export type Rule = (file: SourceFile) => readonly string[]

const SOURCE_LINES_MAX = 400
const TEST_LINES_MAX = 500
const COLUMNS_MAX = 100

/** Who may import whom, besides itself. `actors` means each of its rooms. Tests may import all. */
const ACTOR = ['protocol', 'bus', 'actors/parts', 'actors/kit']
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  bus: ['protocol'],
  'agent-runtime': ['protocol'],
  'actors/parts': ['protocol'],
  'actors/kit': ['protocol', 'bus', 'actors/parts'],
  'actors/agent': [...ACTOR, 'agent-runtime'],
  'actors/executor': [...ACTOR, 'agent-runtime'],
  frameworks: ['protocol', 'bus', 'actors'],
  cli: ['protocol', 'bus', 'actors', 'frameworks'],
  testing: ['protocol', 'bus', 'actors', 'agent-runtime'],
  examples: ['protocol', 'actors/scheduler', 'frameworks', 'testing'],
  tools: ['protocol', 'bus', 'actors', 'agent-runtime', 'frameworks', 'cli', 'examples'],
}
/** What a machine's side takes from its caller: it knows their shape and nothing else of `bus`. */
const LENT_TYPES = /^bus\/(clock|random)\.ts$/
const LENT_TO = 'agent-runtime'

/** Files of an actor that act. All others are its core: they only decide. */
const SHELL = /^actors\/[^/]+\/(main|shell)\.ts$/
const SHELL_SIDE: ReadonlySet<string> = new Set([
  'actors/agent/alone.ts',
  'actors/agent/awaiting.ts',
  'actors/agent/batch.ts',
  'actors/agent/identity.ts',
  'actors/agent/journal.ts',
  'actors/agent/leftovers.ts',
  'actors/agent/looks.ts',
  'actors/agent/machine.ts',
  'actors/allocator/policies/contain.ts',
  'actors/allocator/policies/load.ts',
  'actors/allocator/policies/trial.ts',
  'actors/allocator/shadow/main.ts',
  'actors/allocator/shadow/shell.ts',
  'actors/master/copy-file.ts',
  'actors/master/disk.ts',
  'actors/master/epoch-file.ts',
  'actors/master/kept-events.ts',
  'actors/master/stores.ts',
  'actors/scheduler/answering.ts',
  'actors/scheduler/library.ts',
  'actors/scheduler/offer-feed.ts',
  'actors/scheduler/task-queue.ts',
  'actors/scheduler/options.ts',
  'actors/scheduler/output-feed.ts',
  'actors/scheduler/scheduler.ts',
  'actors/scheduler/status-feed.ts',
])
const isCore = ({ path }: SourceFile): boolean =>
  /^actors\/(?!kit\/).*\.ts$/.test(path) && !SHELL.test(path) && !SHELL_SIDE.has(path)

/** Third-party package → its home, and what others use. `types` may be imported anywhere. */
const PACKAGES: readonly { name: RegExp; home: RegExp; use: string; types?: boolean }[] = [
  { name: /^@nats-io\//, home: /^bus\//, use: 'the Bus of bus/bus.ts' },
  { name: /^msgpackr/, home: /^bus\/codec\.ts$/, use: 'bus/codec.ts' },
  { name: /^pino/, home: /^actors\/kit\/logger\.ts$/, use: 'actors/kit/logger.ts' },
  { name: /^bcryptjs$/, home: /^cli\/auth\/credentials\.ts$/, use: 'nkeys of bus/nats/nkeys.ts' },
  { name: /^commander$/, home: /^cli\//, use: 'a command of cli/' },
  { name: /^xstate$/, home: /[-/]machine(-table)?\.ts$/, use: 'a compiled machine table' },
  { name: /^re2js$/, home: /^actors\/parts\/expression\.ts$/, use: 'compileExpression' },
  { name: /^typebox/, home: /^protocol\/schema\//, use: 'protocol/schema/', types: true },
  { name: /^ajv/, home: /^tools\//, use: 'protocol/check.ts' },
  { name: /^(ava|fast-check)$/, home: /^test\//, use: 'node:assert for what must hold' },
]

/** Word → the one file that may say it, and what others use. Tests and tools are free of most. */
const PRODUCT = /^(?!test\/|tools\/)/
const WORDS: readonly { word: RegExp; home: RegExp; use: string; scope: RegExp }[] = [
  {
    word: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bprocess\.hrtime\b/,
    home: /^bus\/clock\.ts$/,
    use: 'take `now: Now` as an argument, or a Clock of bus/clock.ts',
    scope: PRODUCT,
  },
  {
    word: /(?<![.\w])set(?:Timeout|Interval|Immediate)\b/,
    home: /^bus\/clock\.ts$/,
    use: 'the timers of a Clock (bus/clock.ts); in a core, an effect',
    scope: PRODUCT,
  },
  {
    word: /\bMath\.random\b|\bgetRandomValues\b|\bcrypto\.random|(?<![.\w])random(?:Bytes|UUID|Int|Fill)\b/,
    home: /^bus\/random\.ts$/,
    use: 'the seeded generator of actors/parts/random.ts, or a Random of bus/random.ts',
    scope: PRODUCT,
  },
  {
    word: /(?<![.\w])set(?:Timeout|Interval)\(|timers\/promises/,
    home: /^test\/(support|bench|long|lab|chaos|faults)\//,
    use: 'wait for the event itself: a test does not sleep',
    scope: /^test\//,
  },
  {
    word: /\btest(?:\.serial)?\.(?:only|skip|todo)\b/,
    home: /^$/,
    use: '`needs` of test/support/needs.ts, which gives a reason',
    scope: /^test\//,
  },
]

/** Subjects in a string: `….master.framework.…`, or one begun after a cluster's name. */
const SUBJECT =
  /\.master\.(?:agent|allocator|framework|operator|peer)\b|\.(?:ack|agent|event|framework|log|update)\.(?:\$\{|[*>])|\}\.(?:ack|agent|allocator|event|framework|leader|log|master|update)\b|_INBOX\./

const STRING = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g
const COMMENT_OR_STRING = new RegExp(`(${STRING.source})|//.*|/\\*[\\s\\S]*?\\*/`, 'g')
const withoutComments = (text: string): string => text.replace(COMMENT_OR_STRING, '$1')

const IMPORT =
  /\b(?:import|export)(?<type>\s+type\b)?[^'"`;=()]*?from\s*'(?<from>[^']+)'|\bimport\s*\(?\s*'(?<bare>[^']+)'/g

interface Import {
  /** A path from the root, or a package as it is written. */
  readonly target: string
  readonly isType: boolean
}

export function importsOf({ path, text }: SourceFile): readonly Import[] {
  return [...withoutComments(text).matchAll(IMPORT)].map(({ groups }) => {
    const written = groups?.['from'] ?? groups?.['bare'] ?? ''
    const target = written.startsWith('.') ? posix.join(posix.dirname(path), written) : written
    return { target, isType: groups?.['type'] !== undefined }
  })
}

const roomOf = (path: string): string =>
  path.split('/', path.startsWith('actors/') ? 2 : 1).join('/')
const isProjectFile = (target: string): boolean => /^[a-z-]+\/.*\.ts$/.test(target)

const sizes: Rule = ({ path, text }) => {
  const linesMax = path.startsWith('test/') ? TEST_LINES_MAX : SOURCE_LINES_MAX
  const lines = text.split('\n').length - 1
  return path.endsWith('.md') || lines <= linesMax
    ? []
    : [`${lines} lines, at most ${linesMax}: give a noun its own file`]
}

/** The formatter leaves comments as they are. */
const comments: Rule = ({ path, text }) =>
  text.split('\n').flatMap((line, i) => {
    const isComment = path.endsWith('.ts') && /^\s*(?:\/\*\*|\*|\/\/) /.test(line)
    return isComment && line.length > COLUMNS_MAX
      ? [`line ${i + 1} is wider than ${COLUMNS_MAX} columns`]
      : []
  })

const names: Rule = ({ path }) =>
  path.endsWith('.md') || /^[a-z0-9.-]+$/.test(posix.basename(path))
    ? []
    : ['its name: use kebab-case']

const folders: Rule = (file) => {
  const own = roomOf(file.path)
  const allowed = MAY_IMPORT[own] ?? (own.startsWith('actors/') ? ACTOR : undefined)
  if (allowed === undefined) return []
  return importsOf(file)
    .filter(({ target }) => isProjectFile(target) && roomOf(target) !== own)
    .filter(({ target, isType }) => !(own === LENT_TO && isType && LENT_TYPES.test(target)))
    .filter(({ target }) => !allowed.some((room) => `${target}/`.startsWith(`${room}/`)))
    .map(({ target }) => `imports ${target}: ${own} may import only ${allowed.join(', ') || own}`)
}

const cores: Rule = (file) => {
  const isPure = isCore(file) || file.path.startsWith('protocol/')
  if (!isPure) return []
  const code = withoutComments(file.text)
  const acting = importsOf(file)
    .map(({ target }) => target)
    .filter(
      (target) =>
        /^(bus|agent-runtime|actors\/kit)\//.test(target) ||
        (SHELL.test(target) && isCore(file)) ||
        (target.startsWith('node:') && !target.startsWith('node:assert')),
    )
    .map((target) => `imports ${target}: a core decides; return an effect that shell.ts performs`)
  const waits = /\bawait\b|\basync\b/.test(code)
    ? ['waits: a core handles one input to its end; return an effect, its result is an input']
    : []
  return [...acting, ...waits]
}

const packages: Rule = (file) =>
  file.path.startsWith('test/')
    ? []
    : importsOf(file).flatMap(({ target, isType }) =>
        PACKAGES.filter(({ name, home, types }) => {
          const isFree = (types === true && isType) || file.path.startsWith('tools/')
          return name.test(target) && !home.test(file.path) && !isFree
        }).map(({ use }) => `imports ${target}: use ${use}`),
      )

/** Importing a schema loads its library: its type is free, its value costs every command 0.15 s. */
const schemas: Rule = (file) =>
  /^(protocol\/schema|tools|test)\//.test(file.path)
    ? []
    : importsOf(file)
        .filter(({ target, isType }) => target.startsWith('protocol/schema/') && !isType)
        .map(({ target }) => `loads ${target}: use \`import type\`, and protocol/check.ts to check`)

const words: Rule = ({ path, text }) =>
  WORDS.filter(({ word, home, scope }) => {
    return scope.test(path) && !home.test(path) && word.test(withoutComments(text))
  }).map(({ word, use }) => `${word.exec(withoutComments(text))?.[0]}: use instead: ${use}`)

const subjects: Rule = ({ path, text }) =>
  path === 'protocol/subjects.ts' || !PRODUCT.test(path) || path.endsWith('.md')
    ? []
    : [...withoutComments(text).matchAll(STRING)]
        .filter(([string]) => SUBJECT.test(string))
        .map(([string]) => `spells the subject ${string}: use protocol/subjects.ts`)

/** The doors of the package: what they name is what others may use. */
const DOORS: ReadonlySet<string> = new Set(['actors/scheduler/scheduler.ts', 'testing/testing.ts'])
const barrels: Rule = ({ path, text }) =>
  !DOORS.has(path) && /\bexport\b[^'"`;=()]*?\bfrom\s*'/.test(withoutComments(text))
    ? ['passes on exports of another file: import that file']
    : []

const leftovers: Rule = ({ text }) => [
  ...(/\bTO[D]O\b|\bFIX[M]E\b|\bX[X]X\b/.test(text)
    ? ['a note to do something later: do it, or write an issue']
    : []),
  ...(/\bcatch\s*(?:\([^)]*\)\s*)?\{\s*\}/.test(text)
    ? ['an empty catch: say in a sentence why nothing is to be done']
    : []),
]

const machinePaths: Rule = ({ text }) =>
  [...text.matchAll(/(?<![\w.}/~])\/(?:home|root|work|Users)\/[\w.-]+/g)].map(
    ([path]) => `${path} is a path of one machine: name it from the project's root`,
  )

export const RULES: Readonly<Record<string, Rule>> = {
  'no file is longer than a newcomer will read': sizes,
  'comments are as wide as code': comments,
  'files are named in kebab-case': names,
  'imports only point downwards': folders,
  'cores decide and do not act': cores,
  'each package has one home': packages,
  'schemas are imported as types': schemas,
  'banned words have one home': words,
  'subjects are spelled in protocol/subjects.ts': subjects,
  'no file passes on the exports of another': barrels,
  'nothing is left for later': leftovers,
  'no path of one machine': machinePaths,
}

/**
 * Every import that closes a circle, named by the way round. Types count: direction is for readers.
 */
export function cycles(files: readonly SourceFile[]): readonly string[] {
  const graph = new Map(files.map((file) => [file.path, importsOf(file).map((i) => i.target)]))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) {
      found.push([...way.slice(way.indexOf(path)), path].join(' → '))
      return
    }
    if (done.has(path)) return
    for (const next of graph.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return found
}

const EXPORTED = /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm
/** Here files of one kind stand beside each other, and a reader has several of them open. */
const ONE_MEANING = 'agent-runtime/'

/** Exported names that two files give to different things. */
export function namesOfTwo(files: readonly SourceFile[]): readonly string[] {
  const homes = new Map<string, string[]>()
  for (const { path, text } of files) {
    if (!path.startsWith(ONE_MEANING)) continue
    for (const [, name = ''] of text.matchAll(EXPORTED))
      homes.set(name, [...(homes.get(name) ?? []), path])
  }
  return [...homes].flatMap(([name, paths]) =>
    paths.length > 1 ? [`${name}: ${paths.join(', ')}`] : [],
  )
}
