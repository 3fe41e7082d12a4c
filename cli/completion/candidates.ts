/** What may stand where the cursor is. */
import type { Argument, Command, Option } from 'commander'
import { POLICY_WORDS, parsePolicy } from '../../actors/allocator/policies/words.ts'
import { EVENT_WORDS } from '../../protocol/event-words.ts'
import type { Invocation } from '../options.ts'
import { type Candidate, liveIds, type WantedIds } from './live-ids.ts'

/** The shell completes names of files itself. */
const FILES: readonly Candidate[] = [{ value: ':files' }]

/** `words`: what stands after `bourse`, the word under the cursor last. */
export async function candidates(
  program: Command,
  words: readonly string[],
  invocation: Invocation,
): Promise<readonly Candidate[]> {
  const current = words.at(-1) ?? ''
  const place = placeAfter(program, words.slice(0, -1))
  const found = await allAt(place, current, invocation)
  if (found === FILES) return FILES
  const begun = found.filter(({ value }) => value.startsWith(current))
  return [...new Map(begun.map((candidate) => [candidate.value, candidate])).values()]
}

/** Where in a command line one is. */
interface Place {
  readonly command: Command
  /** Its value comes next. */
  readonly option?: Option
  /** So many arguments stand already. */
  readonly count: number
  /** What comes is for another program. */
  readonly isForeign: boolean
  /** Of the flags so far, by their names in code. */
  readonly values: Readonly<Record<string, string>>
}

function placeAfter(program: Command, words: readonly string[]): Place {
  let place: Place = { command: program, count: 0, isForeign: false, values: {} }
  for (const word of words) place = step(place, word)
  return place
}

function step(place: Place, word: string): Place {
  const { command, option, count, values } = place
  if (place.isForeign) return place
  if (option !== undefined) {
    const { option: _, ...rest } = place
    return { ...rest, values: { ...values, [option.attributeName()]: word } }
  }
  if (word === '--') return { ...place, isForeign: true }
  if (word.startsWith('-')) {
    const flag = command.options.find(({ long, short }) => long === word || short === word)
    return flag?.required === true ? { ...place, option: flag } : place
  }
  if (command.commands.length === 0) {
    const isForeign = command.name() === 'run'
    return { ...place, count: count + 1, isForeign }
  }
  const next = visible(command).find((one) => one.name() === word)
  return next === undefined ? { ...place, isForeign: true } : { ...place, command: next }
}

async function allAt(
  { command, option, count, isForeign, values }: Place,
  current: string,
  { options, io }: Invocation,
): Promise<readonly Candidate[]> {
  if (isForeign) return FILES
  const asking = { options: { ...options, ...values }, io }
  if (option?.long === '--role') return liveIds({ verbs: ['roles'], begin: current }, asking)
  if (option !== undefined) return ofOption(option, current)
  if (current.startsWith('-')) return flagsOf(command)
  if (command.commands.length > 0) return commandsOf(command)
  const args = command.registeredArguments
  const argument = args[count] ?? args.findLast(({ variadic }) => variadic)
  if (argument === undefined) return []
  if (argument.name() === 'pattern') return KINDS
  if (argument.argChoices !== undefined) return argument.argChoices.map((value) => ({ value }))
  if (command.parent !== null && command.name() === 'help') return commandsOf(command.parent)
  const wanted = idsFor(command, argument, current)
  return wanted === undefined ? [] : liveIds(wanted, asking)
}

const visible = (program: Command): readonly Command[] =>
  program.createHelp().visibleCommands(program)

const commandsOf = (program: Command): readonly Candidate[] =>
  visible(program).map((command) => ({ value: command.name(), about: command.description() }))

const flagsOf = (command: Command): readonly Candidate[] =>
  [...command.options, ...HELP_FLAG]
    .filter(({ hidden }) => hidden !== true)
    .flatMap(({ long, description }) => (long ? [{ value: long, about: description ?? '' }] : []))

const HELP_FLAG: readonly Partial<Option>[] = [{ long: '--help', description: 'show this' }]

/** Of events: a kind alone is all of it. */
const KINDS: readonly Candidate[] = Object.keys(EVENT_WORDS).map((value) => ({ value }))

/** Of flags whose values have more forms than a list of choices could say. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--restart': ['never', 'on-failure'],
  '--replicas': ['1', '3', '5'],
  '--since': ['all'],
}

function ofOption({ argChoices, flags, long }: Option, current: string): readonly Candidate[] {
  if (long === '--policy') return policies(current)
  const values = VALUES[long ?? '']
  if (values !== undefined) return values.map((value) => ({ value }))
  if (argChoices !== undefined) return argChoices.map((value) => ({ value }))
  return /<(?:folder|file|path)>/.test(flags) ? FILES : []
}

/** A policy may be a module's path, too, and two of them may stand together. */
function policies(current: string): readonly Candidate[] {
  const begin = current.slice(0, current.lastIndexOf(',') + 1)
  if (begin === '' && /[./]/.test(current)) return FILES
  const values = POLICY_WORDS.map((word) => `${begin}${word}`)
  return values.filter((value) => !('code' in parsePolicy(value))).map((value) => ({ value }))
}

function idsFor(command: Command, argument: Argument, begin: string): WantedIds | undefined {
  const name = command.name()
  if (argument.name() === 'task') return { verbs: ['tasks'], begin, unfinished: name === 'kill' }
  if (argument.name() === 'framework' && name === 'teardown')
    return { verbs: ['frameworks'], begin }
  if (argument.name() === 'agent') return { verbs: ['agents'], begin }
  if (argument.name().startsWith('role')) return { verbs: ['roles'], begin }
  if (name === 'explain') return { verbs: EXPLAINED, begin }
  if (argument.name() !== 'prefix') return undefined
  return {
    verbs:
      name === 'status'
        ? LISTINGS
        : [...LISTINGS, 'roles' as const].filter((verb) => verb === name),
    begin,
  }
}

const LISTINGS = ['agents', 'frameworks', 'tasks', 'offers'] as const
const EXPLAINED = ['frameworks', 'roles', 'agents', 'tasks'] as const
