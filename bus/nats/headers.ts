import type { MsgHdrs } from '@nats-io/transport-node'

/**
 * Headers come from strangers, also to what is stored, and the client throws when it decodes bad
 * ones: then there are none.
 */
export function headersOf(decode: () => MsgHdrs | undefined): MsgHdrs | undefined {
  try {
    return decode()
  } catch {
    return undefined
  }
}
