/**
 * The well-behaved task: answers each line with itself, prints its number, and looks every few
 * milliseconds how late it is.
 */
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

let count = 0
createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => undefined)
  createInterface({ input: socket }).on('line', (line) => {
    socket.write(`${line}\n`)
    count += 1
    process.stdout.write(`${count} ${line}\n`)
  })
}).listen(Number(process.env['PORT0']), '127.0.0.1')
