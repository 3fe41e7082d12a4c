/** Where the data lies: each block on a few agents, by chance, the same for the same seed. */

export interface Block {
  /** From 1. */
  readonly number: number
  /** The agents that hold it. */
  readonly holders: readonly string[]
}

export interface BlocksOptions {
  readonly agents: readonly string[]
  readonly blocks: number
  /** So many agents hold a block. */
  readonly copies: number
  readonly random: () => number
}

export function spreadBlocks(options: BlocksOptions): readonly Block[] {
  return Array.from({ length: options.blocks }, (_, i) => ({
    number: i + 1,
    holders: chooseHolders(options),
  }))
}

function chooseHolders({ agents, copies, random }: BlocksOptions): readonly string[] {
  const left = [...agents]
  const holders: string[] = []
  while (holders.length < copies) {
    const [holder] = left.splice(Math.floor(random() * left.length), 1)
    if (holder === undefined) break
    holders.push(holder)
  }
  return holders
}

/** Numbers from 0 to 1: Marsaglia's xorshift32 (Journal of Statistical Software 8/14, 2003). */
export function seededNumbers(seed: number): () => number {
  // It stands still at 0; small seeds would begin alike.
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
