/** Who reads what a tool prints may have seen enough: `npm run simulate | head`. */
import { watchOutput } from '../cli/gone-reader.ts'

/** Instead of a fault of the stream: `end` is called, perhaps several times. */
export function whenReaderIsGone(end: () => void): void {
  watchOutput({
    gone: end,
    broken(error) {
      throw error
    },
  })
}
