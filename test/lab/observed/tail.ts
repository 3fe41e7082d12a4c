/** A file of JSON lines that grows: what has come since the last look. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

export class Tail<Value> {
  readonly #path: string
  #at = 0
  #rest = ''

  constructor(path: string) {
    this.#path = path
  }

  /** A line without an end is on its way; one that is no JSON was torn by its writer's death. */
  read(): readonly Value[] {
    const lines = (this.#rest + this.#more()).split('\n')
    this.#rest = lines.pop() ?? ''
    return lines.flatMap((line): Value[] => {
      try {
        return [JSON.parse(line)]
      } catch {
        // Its writer was killed, and acts on what is written only.
        return []
      }
    })
  }

  #more(): string {
    let fd: number
    try {
      fd = openSync(this.#path, 'r')
    } catch {
      // It is not there yet.
      return ''
    }
    try {
      const bytes = Buffer.alloc(fstatSync(fd).size - this.#at)
      this.#at += readSync(fd, bytes, 0, bytes.length, this.#at)
      return bytes.toString()
    } finally {
      closeSync(fd)
    }
  }
}
