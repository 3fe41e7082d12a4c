/** Chance from the operating system. The pure generators of cores and simulations start from it. */
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'

/** Gives a token of `bits` random bits, as hexadecimal digits. Simulations give seeded ones. */
export type RandomToken = (bits: number) => string

export const randomToken: RandomToken = (bits) => {
  assert(bits > 0 && bits % 8 === 0, 'random bits come in whole bytes')
  return randomBytes(bits / 8).toString('hex')
}

const FRACTIONS = 2 ** 32

/** 0 <= fraction < 1. */
export const randomFraction = (): number => randomInt(FRACTIONS) / FRACTIONS
