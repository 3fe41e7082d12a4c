/**
 * `npm run garbage -- [--messages N] [--seed N] [--credentials]`: rubbish to every subject of a
 * real cluster.
 */
import { ToolArguments } from '../../tools/wrong-use.ts'
import { runGarbage } from './run.ts'
import { summary } from './summary.ts'

const given = new ToolArguments(
  'usage: npm run garbage -- [--messages N] [--seed N] [--credentials]',
)
const PROGRESS_EVERY = 50_000

const { values } = given.parse({
  options: {
    messages: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    credentials: { type: 'boolean', default: false },
  },
})
const messages = given.whole('messages', values.messages, 1)
const seed = given.whole('seed', values.seed, 0)
const outcome = await runGarbage({
  messages,
  seed,
  withCredentials: values.credentials,
  onProgress(said) {
    if (said % PROGRESS_EVERY === 0) process.stderr.write(`${said} said\n`)
  },
})
for (const line of summary(outcome)) process.stdout.write(`${line}\n`)
