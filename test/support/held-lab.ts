/** Opens a lab with tasks in it, says where, and waits to be killed. */
import { openLab } from '../lab/lab.ts'
import { endsBySignals } from './tool.ts'

endsBySignals(() => 'held')
const lab = await openLab({ masters: 1, agents: 1, proxied: true })
const framework = await lab.framework({ name: 'f1', tasks: 2, runMs: [600_000, 600_000] })
await framework.reaches((all) => all.filter(({ state }) => state === 'TASK_RUNNING').length === 2)
process.stdout.write(`${lab.folder}\n`)
// The lab's own pipes and timers keep the process alive.
