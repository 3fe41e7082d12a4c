/** Values of flags: what a person wrote, or wrong use that says what is wrong. */
import { InvalidArgumentError } from 'commander'
import { locateNats } from '../bus/nats/locate.ts'
import { ClusterError, type Refusal } from '../protocol/errors.ts'
import { parseId } from '../protocol/ids.ts'
import { PATTERN_WORDS, URL_PATH_PATTERN } from '../protocol/patterns.ts'
import { formatDuration, parseDuration } from './duration.ts'

/** What is wrong with a value, without it: `is no number`. */
export class WrongValue extends InvalidArgumentError {}

/** For commander: a refused value is wrong use. */
export const checkedBy =
  <T>(parse: (text: string) => T | Refusal) =>
  (text: string): T => {
    const value = parse(text)
    if (isRefusal(value)) throw new InvalidArgumentError(value.message)
    return value
  }

const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'code' in value && 'message' in value

export const duration = checkedBy(parseDuration)

/** `maxMs`: what the wire allows. */
export const durationUpTo =
  (maxMs: number) =>
  (text: string): number => {
    const ms = duration(text)
    if (ms <= maxMs) return ms
    throw new WrongValue(`is more than ${formatDuration(maxMs)}`)
  }

/** Both ends included. */
export const durationWithin =
  (minMs: number, maxMs: number) =>
  (text: string): number => {
    const ms = duration(text)
    if (ms >= minMs && ms <= maxMs) return ms
    throw new WrongValue(`is not from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`)
  }

/** One that is not 0. */
export function someTime(text: string): number {
  const ms = duration(text)
  if (ms > 0) return ms
  throw new WrongValue('is no time at all')
}

/** `never` is one too. */
export const someTimeOrNever = (text: string): number | 'never' =>
  text === 'never' ? text : someTime(text)

/** Only looked at: what else locates a server is known when a command runs. */
export function natsUrl(text: string): string {
  try {
    if (locateNats(text, {}) !== undefined) return text
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
  }
  throw new WrongValue('is not the URL of a NATS server like nats://127.0.0.1:4222')
}

/** As a URL has it. */
export function urlPath(text: string): string {
  if (new RegExp(URL_PATH_PATTERN).test(text)) return text
  throw new WrongValue(`is not ${PATTERN_WORDS[URL_PATH_PATTERN] ?? 'a path'}`)
}

/** A path or a name; an empty one is a variable of a script that was not set. */
export function someText(text: string): string {
  if (text !== '' && !text.includes('\0')) return text
  throw new WrongValue('is empty')
}

/** Which kind of id it becomes is the command's to say. */
export const id = (kind: string) => checkedBy<string>((text) => parseId(kind, text))

/** A whole number, both ends included. */
export const count =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d{1,15}$/.test(text) && value >= min && value <= max) return value
    throw new WrongValue(`is not a whole number from ${min} to ${max}`)
  }

/** A number of at most three decimal places. */
export const decimal =
  (max: number) =>
  (text: string): number => {
    if (/^\d{1,13}(?:\.\d{1,3})?$/.test(text) && Number(text) <= max) return Number(text)
    throw new WrongValue(`is not a number from 0 to ${max} like 2 or 0.125`)
  }

/** For a flag that may stand several times. */
export const collected =
  <T>(parse: (text: string) => T) =>
  (text: string, before: readonly T[] = []): readonly T[] => [...before, parse(text)]

/** For a flag that may stand several times, with a list each time: they add up. */
export const joined =
  <T>(parse: (text: string) => readonly T[]) =>
  (text: string, before: readonly T[] = []): readonly T[] => [
    ...new Set([...before, ...parse(text)]),
  ]

/** What others are told of a machine: it stands in tables. */
export function hostName(text: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(text)) return text
  throw new WrongValue('is not 1 to 255 letters, digits and signs')
}

/** One of a few numbers. */
export const oneOf =
  (...numbers: readonly number[]) =>
  (text: string): number => {
    const found = numbers.find((number) => String(number) === text)
    if (found !== undefined) return found
    throw new WrongValue(`is none of ${numbers.join(', ')}`)
  }

/**
 * Says what is wrong in one sentence, the value once. `name`: of the flag or argument.
 * @throws {unknown} what `parse` throws, if it is anything else than a wrong value.
 */
export function parseValue<T>(
  parse: () => T,
  { name, text, fail }: { name: string; text: string; fail: (sentence: string) => never },
): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    const [, choices] = /^Allowed choices are (.*)\.$/.exec(error.message) ?? []
    if (choices !== undefined) return fail(`${name} "${text}" is none of ${choices}`)
    return fail(
      error instanceof WrongValue
        ? `${name} "${text}" ${error.message}`
        : `${name}: ${error.message}`,
    )
  }
}
