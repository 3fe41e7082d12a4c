import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const SIMULATE = fileURLToPath(new URL('../sim/simulate.js', import.meta.url))

test('200 seeds of 5 minutes pass, and every kind of fault happens', (t) => {
  const args = [SIMULATE, '--from', '1', '--seeds', '200', '--minutes', '5']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.is(status, 0, `${stdout.split('\n').slice(-60).join('\n')}${stderr}`)
})
