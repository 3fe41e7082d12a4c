/** `bourse decode`: msgpack on standard input, JSON on standard output, a line for each value. */
import { decodeNext } from '../../bus/codec.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { type Io, jsonLine } from '../io.ts'
import { plainValue } from '../plain-value.ts'

const INPUT_BYTES_MAX = 64 * 1024 * 1024

export async function decode(
  input: AsyncIterable<Uint8Array>,
  { io }: { readonly io: Io },
): Promise<ExitCode> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of input) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > INPUT_BYTES_MAX)
      return fail(io, `the input is longer than ${INPUT_BYTES_MAX / 1024 ** 2} MiB`)
  }
  if (bytes === 0) return fail(io, 'the input is empty: pipe a msgpack value into it')
  let rest: Uint8Array = Buffer.concat(chunks)
  for (let count = 1; rest.length > 0; count++) {
    const next = decodeNext(rest)
    if (!next.ok) return fail(io, `value ${count} is no msgpack: ${next.refusal.message}`)
    io.print(jsonLine(plainValue(next.value)))
    await io.drained()
    rest = rest.subarray(next.bytes)
  }
  return EXIT.done
}

function fail(io: Io, problem: string): ExitCode {
  io.printError(`bourse: ${problem}`)
  return EXIT.failed
}
