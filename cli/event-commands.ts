/** The commands that are about public events, with their flags. */
import type { Command } from 'commander'
import { allEvents } from '../protocol/subjects.ts'
import { count } from './arguments.ts'
import { given, type Registration } from './registration.ts'
import { since } from './since.ts'

export function addEventCommands(registration: Registration): void {
  addEvents(registration)
  addDecode(registration)
}

function addEvents({ add, io, done }: Registration): void {
  add('events [pattern]', 'print what has happened, and what happens', {
    group: 'look',
    examples: ['events', "events 'task.*.*.failed' --since 1d", "events --follow 'agent.>'"],
    more: EVENTS_MORE,
  })
    .option(
      '--since <when>',
      'how long ago, or a time like 2026-11-21T10:00, or all (default: 1h)',
      since,
    )
    .option(
      '--after <sequence>',
      'go on behind this one, the first number of a line',
      count(0, 999_999_999_999_999),
    )
    .option('-f, --follow', 'go on until Ctrl-C')
    .action(async (pattern: string | undefined, _, command: Command) => {
      const { events } = await import('./commands/events.ts')
      done(await events(pattern ?? '>', given(io, command)))
    })
}

const EVENTS_MORE = `\
PATTERN is KIND.WHAT of a master or agent, KIND.PRINCIPAL.FRAMEWORK.WHAT of a framework, offer or \
task; * is any word, > at the end any rest, a KIND alone all of it. Without one, all are printed. \
What is missing is said: what the history keeps no longer, and with all events also \
messages and whole epochs of which there is nothing. No leader is needed.`

function addDecode({ add, io, done }: Registration): void {
  add('decode', 'turn msgpack from standard input into JSON', {
    group: 'look',
    examples: ['decode < message'],
    more: DECODE_MORE,
    globals: [],
  }).action(async () => {
    const { decode } = await import('./commands/decode.ts')
    done(await decode(process.stdin, { io }))
  })
}

const DECODE_MORE = `\
A line for each value; bytes are {"$base64": "…"}. With the tool of NATS:\n\
  nats sub '${allEvents('bourse')}' --translate 'bourse decode'`
