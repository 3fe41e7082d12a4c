/** Who reads what a tool prints may have seen enough: `npm run simulate | head`. */

/** Instead of a fault of the stream: `end` is called, perhaps several times. */
export function whenReaderIsGone(end: () => void): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      end()
    })
}
