import test from 'ava'
import { parseCommand, WrongUse } from '../../bench/settings.ts'

test('words, counts and --json are told apart', (t) => {
  const { words, json, settings } = parseCommand(['versus', 'slurm', '--tasks', '50', '--json'])
  t.deepEqual(words, ['versus', 'slurm'])
  t.true(json)
  t.like(settings, { tasks: 50, agents: undefined })
})

const wrong = test.macro((t, argv: readonly string[], message: RegExp) => {
  t.throws(() => parseCommand(argv), { instanceOf: WrongUse, message })
})

test('a count that is none is wrong use', wrong, ['floor', '--agents', 'x'], /--agents.*count: x/)
test('so is none of something', wrong, ['floor', '--tasks', '0'], /--tasks is no count: 0/)
test('so is a flag that nobody knows', wrong, ['floor', '--fast'], /--fast/)
test('so is a folder that is not there', wrong, ['floor', '--profile', '/nowhere'], /\/nowhere/)

test('of the allocator a profile is a word', (t) => {
  const { settings } = parseCommand(['allocator', '--profile', 'quota'])
  t.is(settings.profile, 'quota')
})
