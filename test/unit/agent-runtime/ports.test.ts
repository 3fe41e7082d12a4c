/** Which ports are strange to a task, and where they are found. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { listeningSockets, socketsOf } from '../../../agent-runtime/isolator/looks/listening.ts'
import { portsHit, strangePorts } from '../../../agent-runtime/isolator/ports.ts'

const holdOf = (...ports: number[]) => ({ isolator: 'ports', ports }) as const

test('strange is what it was not given, each port once, lowest first', (t) => {
  t.deepEqual(strangePorts(holdOf(31000, 31001), [31001, 31000]), [])
  t.deepEqual(strangePorts(holdOf(31000), [8080, 31000, 80, 8080]), [80, 8080])
})

test('the sentence names them and what was given, and not thousands', (t) => {
  t.is(portsHit(holdOf(), [80], false).message, 'it listens on port 80; it was given none')
  const many = Array.from({ length: 12 }, (_, i) => i + 1)
  t.deepEqual(portsHit(holdOf(31000), many, true), {
    reason: 'CONTAINER_LIMITATION_PORTS',
    message: 'it listens on ports 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more; it was given 31000',
    ends: true,
  })
})

test('of the table of sockets only the listening ones are read, which stand first', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'bourse-ports-'))
  const table = join(folder, 'tcp')
  const line = (local: string, state: string, inode: number) =>
    `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 x 100\n`
  const title =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n'
  const lines = [line('0100007F:1F90', '0A', 11), line('00000000:0050', '0A', 12)]
  writeFileSync(table, title + lines.join('') + line('0100007F:0051', '01', 13).repeat(2_000))
  t.deepEqual(
    [...listeningSockets([table, '/nowhere'])],
    [
      ['11', 8080],
      ['12', 80],
    ],
  )
  rmSync(folder, { recursive: true })
})

test('a socket of this very process is found in the table and in its hands', async (t) => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const sockets = listeningSockets()
  const own = socketsOf(process.pid, sockets).map((inode) => sockets.get(inode))
  t.true(own.includes(port))
  server.close()
})
