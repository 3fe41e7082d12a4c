/** A polite framework among 50 that are not, on real processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { openCluster } from '../support/cluster.ts'
import { PoliteFramework } from '../support/polite-framework.ts'

const IMPOLITE = fileURLToPath(new URL('../support/impolite-frameworks.js', import.meta.url))
const AGENTS = 4
const ROUNDS = 50

test('no impolite neighbour of 50 is offered twice what a polite one waits for', async (t) => {
  t.timeout(90_000)
  const cluster = await openCluster()
  t.teardown(() => cluster.close())
  const { env, server } = cluster
  await cluster.start('master', '--id', 'm1', '--offer-timeout', '1s')
  await cluster.start('allocator')
  const rude = spawn(process.execPath, [IMPOLITE, '50'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => rude.kill('SIGKILL'))
  await once(rude.stdout, 'data')
  const resources = 'cpus:2;mem:1024'
  const what = ['--id', 'a', '--emulate', String(AGENTS), '--resources', resources]
  await cluster.start('agent', ...what)

  const polite = await PoliteFramework.open(server.url)
  await polite.fill(AGENTS)
  const { waitMs, overtaken, overtakenTwice } = await polite.rounds(ROUNDS)
  const sorted = waitMs.toSorted((a, b) => a - b)
  t.log(`waited ${sorted[ROUNDS / 2]?.toFixed(1)} ms, at most ${sorted.at(-1)?.toFixed(1)} ms`)
  t.log(`${overtaken} offers to others came before its own ${ROUNDS}`)
  t.is(overtakenTwice, 0)
  await polite.close()
})
