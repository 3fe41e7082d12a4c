/** Who may call how often: asked before anything of a call is decoded. */
import { type FrameworkKey, frameworkKey, type Principal } from '../../protocol/ids.ts'
import {
  CALL_BURST_S,
  CALL_BYTES,
  CALLERS_REMEMBERED_MAX,
  FRAMEWORK_CALLS_PER_S,
  OPERATOR_CALLS_PER_S,
  PRINCIPAL_CALLS_PER_S,
  TOO_MANY_ANSWERS_PER_S,
} from '../../protocol/limits.ts'
import { type Rate, TokenBuckets } from './token-bucket.ts'

/** `silenced`: refused, and told so often enough lately. */
export type Admission = 'admitted' | 'refused' | 'silenced'

export interface CallRates {
  /** Of one framework. */
  readonly framework: Rate
  /** Of all frameworks of one principal. */
  readonly principal: Rate
  /** Of one principal's operators. */
  readonly operator: Rate
  /** Refusals that say so, for each principal. */
  readonly answers: Rate
}

const rate = (perS: number): Rate => ({ perS, burst: perS * CALL_BURST_S })

export const DEFAULT_CALL_RATES: CallRates = {
  framework: rate(FRAMEWORK_CALLS_PER_S),
  principal: rate(PRINCIPAL_CALLS_PER_S),
  operator: rate(OPERATOR_CALLS_PER_S),
  answers: rate(TOO_MANY_ANSWERS_PER_S),
}

const callsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / CALL_BYTES))

/** A framework's own bucket comes first: what overflows there costs its siblings nothing. */
export class CallAdmission {
  readonly #frameworks: TokenBuckets
  readonly #principals: TokenBuckets
  readonly #operators: TokenBuckets
  readonly #answers: TokenBuckets

  constructor({ framework, principal, operator, answers }: CallRates) {
    this.#frameworks = new TokenBuckets(framework, CALLERS_REMEMBERED_MAX)
    this.#principals = new TokenBuckets(principal, CALLERS_REMEMBERED_MAX)
    this.#operators = new TokenBuckets(operator, CALLERS_REMEMBERED_MAX)
    this.#answers = new TokenBuckets(answers, CALLERS_REMEMBERED_MAX)
  }

  framework(caller: FrameworkKey, bytes: number, nowMs: number): Admission {
    const { principal } = caller
    const calls = callsOf(bytes)
    const isAdmitted =
      this.#frameworks.take(frameworkKey(caller), nowMs, calls) &&
      this.#principals.take(principal, nowMs, calls)
    return isAdmitted ? 'admitted' : this.#refused(principal, nowMs)
  }

  operator(principal: Principal, bytes: number, nowMs: number): Admission {
    const isAdmitted = this.#operators.take(principal, nowMs, callsOf(bytes))
    return isAdmitted ? 'admitted' : this.#refused(principal, nowMs)
  }

  /** An answer for every message of a flood would be a flood. */
  #refused(principal: string, nowMs: number): Admission {
    return this.#answers.take(principal, nowMs) ? 'refused' : 'silenced'
  }
}
