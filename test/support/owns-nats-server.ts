/** A process that owns a NATS server on the store of its first argument, and tells where it is. */
import { startServer } from '../../bus/nats/server.ts'
import { testBinary } from './nats.ts'

const [storeDir = ''] = process.argv.slice(2)
const { pid, port } = await startServer({ binary: await testBinary(), storeDir })
process.stdout.write(`${JSON.stringify({ pid, port })}\n`)
