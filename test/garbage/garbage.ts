/**
 * `npm run garbage -- [--messages N] [--seed N] [--credentials]`: rubbish to every subject of a
 * real cluster.
 */
import { parseArgs } from 'node:util'
import { runGarbage } from './run.ts'
import { summary } from './summary.ts'

const USAGE = 'usage: npm run garbage -- [--messages N] [--seed N] [--credentials]'
const PROGRESS_EVERY = 50_000

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    credentials: { type: 'boolean', default: false },
  },
})
const messages = Number(values.messages)
const seed = Number(values.seed)
if (!(Number.isSafeInteger(messages) && messages > 0) || !Number.isSafeInteger(seed)) {
  process.stderr.write(`${USAGE}\n`)
  process.exit(64)
}
const outcome = await runGarbage({
  messages,
  seed,
  withCredentials: values.credentials,
  onProgress(said) {
    if (said % PROGRESS_EVERY === 0) process.stderr.write(`${said} said\n`)
  },
})
for (const line of summary(outcome)) process.stdout.write(`${line}\n`)
