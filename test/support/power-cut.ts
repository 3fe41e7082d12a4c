/**
 * The power of the NATS store goes: it comes back as it was a while ago, or empty. No epoch goes
 * back, and no quota and no gone agent is forgotten.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Actor, type Cluster, openCluster, runBourse } from './cluster.ts'

/** What a leader says when a store has lost what it knows. */
export const REWRITTEN = [
  'the log has lost records of the registry: they are written again',
  'the log lacks records of the registry: all is written anew',
]

/** What is found in the place of what was there when the power went. */
type Found = 'an old copy' | 'nothing'

export async function cutPower(
  t: ExecutionContext,
  { masters, store }: { readonly masters: number; readonly store: Found },
): Promise<void> {
  t.timeout(120_000)
  const cut = await PowerCut.open(t, masters)
  await cut.command('quota', 'set', 'early', '--limit', 'cpus:1')
  await cut.command('quota', 'set', 'changed', '--limit', 'cpus:1')
  const before = await cut.strike(store, async () => {
    await cut.command('quota', 'set', 'late', '--limit', 'cpus:3')
    await cut.command('quota', 'set', 'changed', '--limit', 'cpus:2')
    await cut.command('gone', 'sim-1')
  })
  await Promise.race(
    cut.masters.flatMap((master) => REWRITTEN.map((message) => master.says(message))),
  )
  t.log('what the store had lost is being written again')
  await cut.expectAll()
  // It was written behind all that was lost: it is answered when that is in the store.
  await cut.command('quota', 'set', 'last', '--limit', 'cpus:4')
  const after = cut.epochs()
  t.true(Math.max(...after) >= before, `${after.join()} are not below ${before}`)

  for (const master of cut.masters) await master.end('SIGKILL')
  const stranger = await cut.master('stranger')
  const { epoch } = await stranger.says('leads')
  t.true(Number(epoch) > Math.max(before, ...after))
  await cut.expectAll('last')
  t.log(`a master without a copy leads in epoch ${String(epoch)}, and knows all`)
}

class PowerCut {
  readonly masters: Actor[] = []
  readonly #t: ExecutionContext
  readonly #cluster: Cluster
  readonly #folder: string

  private constructor(t: ExecutionContext, cluster: Cluster) {
    this.#t = t
    this.#cluster = cluster
    this.#folder = mkdtempSync(join(tmpdir(), 'bourse-power-cut-'))
  }

  static async open(t: ExecutionContext, masters: number): Promise<PowerCut> {
    const cluster = await openCluster()
    const cut = new PowerCut(t, cluster)
    t.teardown(async () => {
      await cluster.close()
      rmSync(cut.#folder, { recursive: true, force: true })
    })
    for (let i = 1; i <= masters; i++) cut.masters.push(await cut.master(`m${i}`))
    await Promise.race(cut.masters.map((master) => master.says('leads')))
    const agents = await cluster.start('agent', '--emulate', '2', '--id', 'sim')
    await Promise.race(cut.masters.map((master) => master.says('an agent has registered', 2)))
    await agents.end('SIGKILL')
    return cut
  }

  master(id: string): Promise<Actor> {
    return this.#cluster.start('master', '--id', id, '--work-dir', join(this.#folder, id))
  }

  /** Runs a command of an operator, again for as long as there is no leader. */
  async command(...args: string[]): Promise<string> {
    for (let tries = 0; ; tries++) {
      const { code, stdout, stderr } = await runBourse(this.#cluster.env, ...args)
      if (code === 0) return stdout
      if (tries === 20) throw new Error(`bourse ${args.join(' ')} ended with ${code}: ${stderr}`)
    }
  }

  /** The store is copied while it runs, `meanwhile` happens, and then it is dead. */
  async strike(store: Found, meanwhile: () => Promise<void>): Promise<number> {
    const { server } = this.#cluster
    const copy = join(this.#folder, 'copy')
    cpSync(server.storeDir, copy, { recursive: true })
    await meanwhile()
    const epoch = Math.max(...this.epochs())
    await server.end('SIGKILL')
    rmSync(server.storeDir, { recursive: true })
    if (store === 'an old copy') cpSync(copy, server.storeDir, { recursive: true })
    await server.restart('kept')
    return epoch
  }

  /** In which its masters have led. */
  epochs(): number[] {
    return this.masters
      .flatMap(({ lines }) => lines)
      .filter(({ message }) => message === 'leads')
      .map((line) => Number(line['epoch']))
  }

  async expectAll(...more: readonly string[]): Promise<void> {
    const quotas = await this.command('quota', 'get', '--json')
    for (const role of ['early', 'late', 'changed', ...more]) {
      this.#t.true(quotas.includes(`"${role}"`), `${role} is in ${quotas}`)
    }
    this.#t.regex(quotas, /"changed".*"cpus":2/)
    const agents = await this.command('agents', '--json')
    this.#t.regex(agents, /"sim-1","state":"gone"/)
    this.#t.regex(agents, /"sim-2"/)
  }
}
