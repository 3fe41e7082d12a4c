/**
 * The thread that looks at tasks where looking takes long: nothing waits for it. It sleeps while
 * nobody asks, and gives way to nobody: beside a fork bomb it would not see who fills the disk.
 */
import { parentPort, receiveMessageOnPort } from 'node:worker_threads'
import { type Place, scopeOf } from '../kill/kill.ts'
import { type DiskUse, diskUse } from './disk-use.ts'
import { listeningSockets, socketsOf } from './listening.ts'
import type { LookAnswer, LookQuestion } from './looker.ts'

type Walk = Generator<undefined, LookAnswer>

/** All walks go on in turns, so that a small sandbox does not wait for a huge one. */
function work(first: LookQuestion): void {
  const walks = [walkOf(first)]
  while (walks.length > 0) {
    for (const walk of walks.splice(0)) {
      const step = walk.next()
      if (step.done) parentPort?.postMessage(step.value)
      else walks.push(walk)
    }
    for (let more = nextQuestion(); more !== undefined; more = nextQuestion())
      walks.push(walkOf(more))
  }
}

function nextQuestion(): LookQuestion | undefined {
  return parentPort === null ? undefined : receiveMessageOnPort(parentPort)?.message
}

function walkOf(question: LookQuestion): Walk {
  return question.kind === 'disk' ? lookAtDisk(question) : lookAtPorts(question)
}

function* lookAtDisk(question: Extract<LookQuestion, { kind: 'disk' }>): Walk {
  const pids = question.place === undefined ? [] : pidsAt(question.place)
  const use: DiskUse = yield* diskUse({ ...question, pids })
  return { id: question.id, kind: 'disk', ...use }
}

function* lookAtPorts({ id, places }: Extract<LookQuestion, { kind: 'ports' }>): Walk {
  const sockets = listeningSockets()
  for (const inode of owners.keys()) if (!sockets.has(inode)) owners.delete(inode)
  // Whoever is looked for is looked for among all; who had the others is known.
  const isSought = (inode: string): boolean => looksFor(owners.get(inode))
  const sought = [...sockets.keys()].filter(isSought)
  for (const [containerId, place] of sought.length > 0 ? places : []) {
    for (const pid of pidsAt(place)) {
      for (const inode of socketsOf(pid, sockets)) owners.set(inode, containerId)
      yield
    }
  }
  for (const inode of sought) {
    const owner = owners.get(inode) ?? 0
    if (typeof owner === 'number') owners.set(inode, owner + 1)
  }
  const found = [...sockets].flatMap(([inode, port]) => {
    const containerId = owners.get(inode)
    return typeof containerId === 'string' ? [{ containerId, port }] : []
  })
  return { id, kind: 'ports', found }
}

/** Listening socket → the container that has it, or how often it was found with none. */
const owners = new Map<string, string | number>()
/** One process may be missed while it forks. */
const LOOKS_IN_VAIN_MAX = 2
const looksFor = (owner: string | number = 0): boolean =>
  typeof owner === 'number' && owner < LOOKS_IN_VAIN_MAX

const pidsAt = ({ hold, started }: Place): readonly number[] => scopeOf(hold, started).pids()

parentPort?.on('message', work)
