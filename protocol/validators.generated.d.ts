/** Emitted by the build from `schema/messages.ts`; never edited, never committed. */
import type { MessageName } from './schema/messages.ts'

export interface Complaint {
  readonly keyword: string
  readonly instancePath: string
  readonly message?: string
  /** Of a map's name, if it is that which is wrong. */
  readonly propertyName?: string
  readonly params: Readonly<Record<string, unknown>>
}

export interface Validator {
  (value: unknown): boolean
  errors?: readonly Complaint[] | null
}

declare const validators: Readonly<Record<MessageName, Validator>>
export default validators
