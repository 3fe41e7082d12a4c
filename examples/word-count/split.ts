/** Cuts the text of a folder into parts of about the same number of bytes. */

export interface TextFile {
  /** From the folder. */
  readonly path: string
  readonly bytes: number
}

/** `bytes` bytes of a file from `offset` on. No word goes over either end. */
export interface Piece {
  readonly path: string
  readonly offset: number
  readonly bytes: number
}

/** What one task counts. */
export type Part = readonly Piece[]

export interface SplitOptions {
  /** There are more if one would be too large for a task, fewer if there is too little text. */
  readonly parts: number
  /**
   * The first position of the file, from `offset` on, at which no word goes on; its end at last.
   */
  readonly wordEnd: (path: string, offset: number) => number
}

/** Three arguments each, of the 1024 that a command may have. */
const PIECES_MAX = 300
/** Of the 32 KiB that a task may have, for paths and numbers. */
const PATH_BYTES_MAX = 24 * 1024
/** Beside its path: its numbers, and what they travel in. */
const PIECE_BYTES = 32

interface Heap {
  bytes: number
  pathBytes: number
  readonly pieces: Piece[]
}

/** Each byte of each file is in one piece of one part. */
export function splitText(files: readonly TextFile[], options: SplitOptions): readonly Part[] {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const bytesMax = Math.max(1, Math.ceil(total / options.parts))
  const pieces = files.flatMap((file) => cut(file, bytesMax, options.wordEnd))
  const heaps = Array.from({ length: options.parts }, emptyHeap)
  // The largest first, each to who has least.
  for (const piece of pieces.sort((a, b) => b.bytes - a.bytes)) {
    const pathBytes = Buffer.byteLength(piece.path) + PIECE_BYTES
    const heap = leastWithRoom(heaps, pathBytes)
    heap.pieces.push(piece)
    heap.bytes += piece.bytes
    heap.pathBytes += pathBytes
  }
  return heaps.filter((heap) => heap.pieces.length > 0).map((heap) => heap.pieces)
}

const emptyHeap = (): Heap => ({ bytes: 0, pathBytes: 0, pieces: [] })

function leastWithRoom(heaps: Heap[], pathBytes: number): Heap {
  let least: Heap | undefined
  for (const heap of heaps) {
    const hasRoom = heap.pieces.length < PIECES_MAX && heap.pathBytes + pathBytes <= PATH_BYTES_MAX
    if (hasRoom && (least === undefined || heap.bytes < least.bytes)) least = heap
  }
  if (least !== undefined) return least
  const added = emptyHeap()
  heaps.push(added)
  return added
}

function cut(
  { path, bytes }: TextFile,
  bytesMax: number,
  wordEnd: SplitOptions['wordEnd'],
): readonly Piece[] {
  const step = Math.ceil(bytes / Math.ceil(bytes / bytesMax))
  const pieces: Piece[] = []
  for (let offset = 0; offset < bytes; ) {
    const end = offset + step >= bytes ? bytes : wordEnd(path, offset + step)
    pieces.push({ path, offset, bytes: end - offset })
    offset = end
  }
  return pieces
}
