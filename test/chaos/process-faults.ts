/** Processes that die, and that stand still. */
import type { LabAgent } from '../lab/contract.ts'
import { affectedBy, type FaultKind, frameworkOf, processOf, type Scope, seconds } from './fault.ts'

const DEAD_MS: readonly [number, number] = [100, 10_000]
const FROZEN_MS: readonly [number, number] = [100, 20_000]

const actors = ({ masters, agents, allocators, frameworks }: Scope): readonly string[] => [
  ...masters,
  ...agents,
  ...allocators,
  ...frameworks,
]

const kill: FaultKind = {
  kind: 'kill',
  weight: 4,
  draw(dice, scope) {
    const name = dice.pick(actors(scope))
    const ms = dice.span(...DEAD_MS)
    return {
      kind: `kill ${kindOf(name, scope)}`,
      what: `kill -9 ${name}, back after ${seconds(ms)}`,
      targets: [name],
      affected: affectedBy(name, scope),
      withinMs: 15_000,
      async strike({ lab, revive, sleep }) {
        const one = processOf(lab, name)
        await one.kill()
        await sleep(ms)
        await revive(one)
      },
    }
  },
}

/** Right after a task of it was told of: what it had on its way is lost. */
const killBusyAgent: FaultKind = {
  kind: 'kill busy agent',
  weight: 3,
  draw(dice, scope) {
    const name = dice.pick(scope.agents)
    const afterMs = Math.round(dice.between(0, 30))
    return {
      kind: 'kill busy agent',
      what: `kill -9 ${name} ${afterMs} ms after an end of a task there`,
      targets: [name],
      affected: { agentId: name },
      withinMs: 15_000,
      async strike({ lab, revive, sleep }) {
        const one = processOf(lab, name)
        await Promise.race([lab.observer.nextFinished({ agentId: name }), sleep(5_000)])
        await sleep(afterMs)
        await one.kill()
        await revive(one)
      },
    }
  },
}

const killLeader: FaultKind = {
  kind: 'kill leader',
  weight: 2,
  draw(dice, scope) {
    const ms = dice.span(...DEAD_MS)
    return {
      kind: 'kill leader',
      what: `kill -9 the leader, back after ${seconds(ms)}`,
      targets: scope.masters,
      affected: {},
      withinMs: 15_000,
      async strike({ lab, revive, sleep }) {
        const leader = await Promise.race([lab.leader(), sleep(5_000)])
        const one = leader ?? processOf(lab, dice.pick(scope.masters))
        await one.kill()
        await sleep(ms)
        await revive(one)
      },
    }
  },
}

/** It stays dead until tasks flow that another instance has launched. */
const killInstance: FaultKind = {
  kind: 'kill instance',
  weight: 2,
  draw(dice, { instances }) {
    const { frameworkId } = dice.pick(instances)
    const others = instances.filter((one) => one.frameworkId === frameworkId)
    return {
      kind: 'kill instance',
      what: `kill -9 the instance of ${frameworkId} that leads, for another to take over`,
      targets: [frameworkId, ...others.map(({ name }) => name)],
      affected: { frameworkId },
      withinMs: 15_000,
      async strike({ lab, keepAway }) {
        const one = frameworkOf(lab, frameworkId).holder()
        keepAway(one)
        await one.kill()
      },
    }
  },
}

const freeze: FaultKind = {
  kind: 'freeze',
  weight: 4,
  draw(dice, scope) {
    const name = dice.pick(actors(scope))
    const ms = dice.span(...FROZEN_MS)
    return {
      kind: `freeze ${kindOf(name, scope)}`,
      what: `freeze ${name} for ${seconds(ms)}`,
      targets: [name],
      affected: affectedBy(name, scope),
      withinMs: 20_000,
      async strike({ lab, sleep }) {
        const one = processOf(lab, name)
        one.freeze()
        await sleep(ms)
        one.thaw()
      },
    }
  },
}

const killLauncher: FaultKind = {
  kind: 'kill launcher',
  weight: 1,
  draw(dice, { agents }) {
    const name = dice.pick(agents)
    return {
      kind: 'kill launcher',
      what: `kill -9 the launcher of ${name}`,
      targets: [name],
      affected: { agentId: name },
      withinMs: 10_000,
      async strike({ lab }) {
        const agent = processOf(lab, name) as LabAgent
        process.kill(agent.launcherPid(), 'SIGKILL')
      },
    }
  },
}

const reboot: FaultKind = {
  kind: 'reboot',
  weight: 1,
  draw(dice, { agents }) {
    const name = dice.pick(agents)
    return {
      kind: 'reboot',
      what: `reboot ${name}`,
      targets: [name],
      affected: { agentId: name },
      withinMs: 15_000,
      async strike({ lab, revive }) {
        const agent = processOf(lab, name) as LabAgent
        const isOver = lab.observer.excuse(name)
        await agent.reboot().catch(() => revive(agent))
        isOver()
      },
    }
  },
}

/** `master` for `m1`. */
function kindOf(name: string, { masters, agents, allocators }: Scope): string {
  if (masters.includes(name)) return 'master'
  if (agents.includes(name)) return 'agent'
  return allocators.includes(name) ? 'allocator' : 'framework'
}

export const PROCESS_FAULTS: readonly FaultKind[] = [
  kill,
  killLeader,
  killBusyAgent,
  killInstance,
  freeze,
  killLauncher,
  reboot,
]
