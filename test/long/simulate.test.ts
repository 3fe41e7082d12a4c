import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const SIMULATE = fileURLToPath(new URL('../sim/simulate.js', import.meta.url))
const LINES_SHOWN = 100

test('100 seeds of 10 minutes pass, and every kind of fault happens', (t) => {
  const args = [SIMULATE, '--from', '1', '--seeds', '100', '--minutes', '10']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  t.is(status, 0, `${stdout.split('\n').slice(-LINES_SHOWN).join('\n')}${stderr}`)
})
