/** A process that finds nats-server as a fresh machine has it, and says what it did. */
import { findServer } from '../../bus/nats/find-server.ts'

const path = await findServer({
  env: process.env,
  say: (sentence) => void process.stdout.write(`${sentence}\n`),
})
process.stdout.write(`${path}\n`)
