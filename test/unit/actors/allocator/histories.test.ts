/** What holds whatever happens around an allocator, beside the books of a leader that it serves. */
import test from 'ava'
import fc from 'fast-check'
import { scalarOf } from '../../../../protocol/resources.ts'
import type { Allocation } from '../../../../protocol/schema/master.ts'
import {
  History,
  histories,
  NAMES,
  outOfStep,
  type Step,
} from '../../../support/allocator-history.ts'
import { DrivenAllocator } from '../../../support/driven-allocator.ts'
import { LeaderBooks, type Member, type Offer, outermost } from '../../../support/leader-books.ts'

/** Names of which a role was given more than it is guaranteed, since the last step. */
type Beyond = Set<string>

/**
 * In step: all that is said is heard before anything else happens, so that the leader never has a
 * reason to refuse.
 */
function inStep(all: readonly Step[], after: (history: History, beyond: Beyond) => void): History {
  const history = new History()
  for (const step of all) {
    const beyond: Beyond = new Set()
    history.apply(step)
    history.settle((allocation, outcome) => {
      const offer = mustBeMade(history, allocation, outcome)
      for (const name of beyondGuarantee(history, offer)) beyond.add(name)
    })
    after(history, beyond)
  }
  return history
}

function mustBeMade(history: History, allocation: Allocation, outcome: Offer | string): Offer {
  const of = JSON.stringify(allocation)
  if (typeof outcome === 'string') throw new Error(`${outcome}: ${of}`)
  const { member, agentId, resources } = outcome
  if (history.isFiltered(member, agentId, resources)) throw new Error(`declined before: ${of}`)
  if (history.isUnwanted(member, agentId, resources)) throw new Error(`never wanted: ${of}`)
  return outcome
}

/** The books hold the offer already. */
function beyondGuarantee({ books }: History, { member, resources }: Offer): readonly string[] {
  const role = outermost(member.role)
  return NAMES.filter((name) => {
    const consumed = books.consumed.get(role)?.get(name) ?? 0
    const guaranteed = (books.roles.get(role)?.guarantee[name] ?? 0) * 1_000
    return scalarOf(resources, name) > 0 && consumed > guaranteed
  })
}

/** It wants whatever there is, and has declined nothing that still counts. */
function isEager({ suppressed, declinedLast, filters, terms }: Member, nowMs: number): boolean {
  if (suppressed || declinedLast || Object.keys(terms).length > 0) return false
  return [...filters.values()].every(({ untilMs }) => untilMs <= nowMs)
}

test('nothing is allocated twice, above a limit, or to who does not want it', (t) => {
  let made = 0
  fc.assert(
    fc.property(histories, (all) => {
      made += inStep(all, () => {}).made
    }),
    { numRuns: 100 },
  )
  t.log(`${made} allocations`)
  t.true(made > 1_000)
})

test('what guarantees lack goes to nobody else', (t) => {
  let kept = 0
  fc.assert(
    fc.property(histories, (all) => {
      inStep(all, (history, beyond) => {
        for (const name of beyond) {
          const lacking = history.unmet(name)
          if (lacking > 0) kept += 1
          const free = history.free(name)
          if (free < lacking) throw new Error(`${name}: ${free} free, ${lacking} lacking`)
        }
      })
    }),
    { numRuns: 100 },
  )
  t.log(`kept ${kept} times`)
  t.true(kept > 30)
})

test('who wants gets what its role is guaranteed, as long as there is any', (t) => {
  let met = 0
  let lacked = 0
  fc.assert(
    fc.property(histories, (all) => {
      inStep(all, (history) => {
        const { books } = history
        for (const [role, { guarantee }] of books.roles) {
          const members = [...books.members.values()].filter((one) => outermost(one.role) === role)
          if (!members.some((member) => isEager(member, books.nowMs))) continue
          for (const name of NAMES) {
            if ((guarantee[name] ?? 0) === 0) continue
            if (history.unmet(name, role) === 0) met += 1
            else if (history.free(name) === 0) lacked += 1
            else throw new Error(`${role} lacks ${name}, of which there is some`)
          }
        }
      })
    }),
    { numRuns: 100 },
  )
  t.log(`met ${met} times, not enough there ${lacked} times`)
  t.true(met > 300 && lacked > 100)
})

test('however late one hears the other, what is free and wanted goes to somebody', (t) => {
  let refused = 0
  fc.assert(
    fc.property(histories, fc.array(fc.nat(5), { minLength: 1, maxLength: 60 }), (all, luck) => {
      const history = outOfStep(all, luck)
      refused += history.refused
      const { books } = history
      for (const member of books.members.values()) {
        books.revive(member)
        books.setTerms(member, {})
      }
      // Nothing is kept for anybody.
      for (const role of books.roles.keys()) books.setRole(role, { guarantee: {}, limit: {} })
      history.settle((allocation, outcome) => mustBeMade(history, allocation, outcome))
      if (books.members.size === 0) return
      for (const name of NAMES) {
        if (history.free(name) > 0) throw new Error(`${name} is free, and somebody wants it`)
      }
    }),
    { numRuns: 100 },
  )
  t.log(`${refused} refused`)
  t.true(refused > 20)
})

test('who has declined the little that it may have is asked again when it may have more', (t) => {
  const books = new LeaderBooks()
  const allocator = new DrivenAllocator('000102030405060708090a0b0c0d0e0f')
  books.addAgent('a1', [{ name: 'cpus', scalar: 8 }])
  const member = books.addMember('f1', '*')
  books.setRole('x', { guarantee: { cpus: 5 } })
  allocator.open(books.takeFigures())
  const offered = (): readonly Offer[] => {
    allocator.say(books.takeFigures())
    const heard = allocator.turn().map((allocation) => books.hear(allocation))
    return heard.filter((offer) => typeof offer !== 'string')
  }
  const [little] = offered()
  t.is(little && scalarOf(little.resources, 'cpus'), 3_000)
  if (little !== undefined) books.decline(little, 10_000)
  t.deepEqual(offered(), [])
  books.setRole('*', { guarantee: { cpus: 4 } })
  const [more] = offered()
  t.is(more?.member, member)
  t.is(more && scalarOf(more.resources, 'cpus'), 4_000)
})
