/** Command blocks of a document: what a reader is told to type, and what they are told to see. */

export interface Step {
  readonly command: string
  /** Ends with the document, not by itself: its line ended with `&`. */
  readonly stays: boolean
  readonly expected: readonly string[]
}
export interface Block {
  /** Of its first fence, from 1. */
  readonly line: number
  readonly steps: readonly Step[]
}

/** Stands for anything within a line, and alone for any number of lines. */
const ANYTHING = '…'

/**
 * All ` ```console ` blocks. @throws {Error} if a block begins with output that no command makes.
 */
export function consoleBlocks(markdown: string): Block[] {
  const fences = markdown.matchAll(/^```console\n(?<body>[\s\S]*?)^```$/gm)
  return [...fences].map(({ index, groups }) => {
    const line = markdown.slice(0, index).split('\n').length
    const body = groups?.['body'] ?? ''
    if (!body.startsWith('$ ')) throw new Error(`line ${line}: a block begins with a command`)
    const steps = body.split(/^\$ /m).slice(1).map(toStep)
    return { line, steps }
  })
}

/** A command may go on over lines that end with a backslash. */
function toStep(text: string): Step {
  const [, command = '', output = ''] = /^((?:.*\\\n)*.*)\n?([\s\S]*)$/.exec(text) ?? []
  const stays = command.endsWith(' &')
  return {
    command: stays ? command.slice(0, -2) : command,
    stays,
    expected: output.trimEnd() === '' ? [] : output.trimEnd().split('\n'),
  }
}

/** Does what was printed look as it was promised? Spaces at line ends do not count. */
export function matches(expected: readonly string[], printed: string): boolean {
  const toPattern = (line: string): string => {
    if (line.trim() === ANYTHING) return '(?:.*\n)*?'
    const parts = line
      .split(ANYTHING)
      .map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'))
    return `${parts.join('.*')}\n`
  }
  const lines = printed
    .trimEnd()
    .split('\n')
    .map((line) => `${line.trimEnd()}\n`)
  const text = printed.trim() === '' ? '' : lines.join('')
  return new RegExp(`^${expected.map(toPattern).join('')}$`).test(text)
}
