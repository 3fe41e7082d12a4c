/** The well-behaved task: answers each line with itself, and prints it with its number. */
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

let count = 0
createServer((socket) => {
  socket.setNoDelay(true)
  // A client that leaves without a word is no reason to end.
  socket.on('error', () => undefined)
  const lines = createInterface({ input: socket })
  lines.on('error', () => undefined)
  lines.on('line', (line) => {
    socket.write(`${line}\n`)
    count += 1
    process.stdout.write(`${count} ${line}\n`)
  })
}).listen(Number(process.env['PORT0']), '127.0.0.1')
