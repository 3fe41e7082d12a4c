/**
 * The few shapes that all schemas are built from: every number, string and list has both bounds.
 */
import Type, { type Static, type TObject, type TSchema, type TUnsafe } from 'typebox'
import { TOKEN_PATTERN } from '../ids.ts'
import { TIME_AT_MS_MAX } from '../limits.ts'
import { BITS64_PATTERN } from '../patterns.ts'

/** An id of one kind. */
export const token = <I extends string>(): TUnsafe<I> =>
  Type.Unsafe<I>({ type: 'string', pattern: TOKEN_PATTERN })

/** 64 random bits as 16 hexadecimal digits. */
export const bits64 = <I extends string>(): TUnsafe<I> =>
  Type.Unsafe<I>({ type: 'string', pattern: BITS64_PATTERN })

export const integer = (minimum: number, maximum: number) => Type.Integer({ minimum, maximum })

/** Ten years. */
export const DURATION_MS_MAX = 10 * 365 * 24 * 3_600_000
/** Milliseconds of a duration, up to ten years. */
export const durationMs = integer(0, DURATION_MS_MAX)

export const timeAtMs = integer(0, TIME_AT_MS_MAX)

/** Text for people; `maxLength` counts UTF-16 units. */
export const text = (maxLength: number, minLength = 0) => Type.String({ minLength, maxLength })

export const list = <S extends TSchema>(item: S, maxItems: number, minItems = 0) =>
  Type.Array(item, { minItems, maxItems })

/** A map from names to values; a name that does not match is refused, like a value. */
export const record = <V extends TSchema>(
  namePattern: string,
  value: V,
  maxProperties: number,
): TUnsafe<Record<string, Static<V>>> =>
  Type.Unsafe<Record<string, Static<V>>>({
    type: 'object',
    propertyNames: { type: 'string', pattern: namePattern },
    additionalProperties: value,
    maxProperties,
  })

/** msgpack `bin`. Without a bound it could fill a message, and whoever passes it on adds to it. */
export const bytes = (maxBytes: number) =>
  Type.Unsafe<Uint8Array>({ binary: true, maxBytes, description: 'msgpack bin' })

/** One of a few words, and no other: what is asked for, and what is decided by. */
export const word = <const W extends string>(...words: readonly W[]): TUnsafe<W> =>
  Type.Unsafe<W>({ type: 'string', enum: words })

/** A word that is not known here. */
export type OtherWord = string & Record<never, never>

/**
 * One of these words, or another: whoever is newer may say more than is known here. What is not
 * known is passed on and shown as it is, and decides nothing.
 */
export const openWord = <const W extends string>(...words: readonly W[]): TUnsafe<W | OtherWord> =>
  Type.Unsafe<W | OtherWord>({ type: 'string', pattern: TOKEN_PATTERN, examples: words })

/** A message with its fields. Unknown ones are dropped (refused in operators' calls). */
export const message = <P extends Record<string, TSchema>>(description: string, fields: P) =>
  Type.Object(fields, { description, additionalProperties: false })

/** An item of a list that says by `kind` which it is. */
export const item = <const K extends string, P extends Record<string, TSchema>>(
  kind: K,
  description: string,
  fields: P,
) => message(description, { kind: Type.Literal(kind), ...fields })

/** One of several items. */
export const oneOf = <const S extends readonly TObject[]>(
  ...items: S
): TUnsafe<Static<S[number]>> =>
  Type.Unsafe<Static<S[number]>>({
    type: 'object',
    required: ['kind'],
    discriminator: { propertyName: 'kind' },
    oneOf: items,
  })
