/** Who listens on which TCP port of this machine, as /proc says. */
import { closeSync, openSync, readlinkSync, readSync } from 'node:fs'
import { openFiles } from './disk-use.ts'

/** As the kernel writes them: the listening ones stand first, before all connections. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6']
const PIECE_BYTES = 64 * 1024
const LISTENING = '0A'

/** Number of each socket that listens → its port. */
export function listeningSockets(tables: readonly string[] = TABLES): Map<string, number> {
  const found = new Map<string, number>()
  for (const table of tables)
    for (const line of firstLines(table)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state !== LISTENING) break
      if (inode !== undefined)
        found.set(inode, parseInt(local.slice(local.lastIndexOf(':') + 1), 16))
    }
  return found
}

/** Which of these sockets a process has open. */
export function socketsOf(pid: number, among: ReadonlyMap<string, number>): readonly string[] {
  return openFiles(pid).flatMap((path) => {
    const inode = socketAt(path)
    return inode !== undefined && among.has(inode) ? [inode] : []
  })
}

function socketAt(path: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1]
  } catch {
    // Closed meanwhile.
    return undefined
  }
}

/** Lines behind the title, as far as somebody reads: of many connections there are many. */
function* firstLines(path: string): Generator<string> {
  let rest = ''
  for (const piece of pieces(path)) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter((line) => !line.includes(TITLE))
  }
}

const TITLE = 'local_address'

function* pieces(path: string): Generator<string> {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    // A machine without IPv6.
    return
  }
  try {
    const piece = Buffer.alloc(PIECE_BYTES)
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
      yield piece.toString('latin1', 0, read)
    }
  } finally {
    closeSync(file)
  }
}
