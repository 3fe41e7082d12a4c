/** The lease and the registry as a master sees them: records, where the bus knows bytes. */
import type { KeyValueStore, LogStore } from '../../bus/bus.ts'
import { decode, encode } from '../../bus/codec.ts'
import { check } from '../../protocol/check.ts'
import { ClusterError, type Refusal } from '../../protocol/errors.ts'
import type { LeaseRecord, RegistryBatch } from '../../protocol/schema/master.ts'
import type { Message, MessageName } from '../../protocol/schema/messages.ts'
import { LEASE_KEY } from '../../protocol/subjects.ts'
import type { Effect } from './effects.ts'
import type { Input } from './inputs.ts'
import type { LogBatch } from './registry/copy.ts'

export interface Stores {
  readonly lease: KeyValueStore
  readonly registry: LogStore
  /** A record could not be read, and was passed over. */
  readonly onUnreadable: (name: MessageName, refused: Refusal) => void
}

type StoreEffect = Extract<
  Effect,
  { do: 'read-lease' | 'write-lease' | 'read-registry' | 'append-registry' }
>

/** Performs one effect; its outcome is an input. A store that does not answer is an outcome too. */
export async function performOnStore(stores: Stores, effect: StoreEffect): Promise<Input> {
  const isLease = effect.do === 'read-lease' || effect.do === 'write-lease'
  try {
    return await (isLease ? onLease(stores, effect) : onRegistry(stores, effect))
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
    if (isLease) return { kind: 'lease.unavailable', asked: effect.do }
    return { kind: 'registry.unavailable', epoch: epochOf(effect) }
  }
}

async function onLease(
  stores: Stores,
  effect: Extract<StoreEffect, { do: 'read-lease' | 'write-lease' }>,
): Promise<Input> {
  if (effect.do === 'write-lease') {
    const value = encode(effect.record)
    const outcome = await stores.lease.write(LEASE_KEY, value, effect.revision)
    if (!outcome.done) return { kind: 'lease.conflict' }
    return { kind: 'lease.written', record: effect.record, revision: outcome.revision }
  }
  const entry = await stores.lease.read(LEASE_KEY)
  const record: LeaseRecord | undefined = entry && read(stores, 'LeaseRecord', entry.value)
  return { kind: 'lease.read', record, revision: entry?.revision ?? 0 }
}

type RegistryEffect = Extract<StoreEffect, { do: 'read-registry' | 'append-registry' }>

function epochOf(effect: RegistryEffect): number {
  return effect.do === 'read-registry' ? effect.epoch : effect.batch.epoch
}

async function onRegistry(stores: Stores, effect: RegistryEffect): Promise<Input> {
  const epoch = epochOf(effect)
  if (effect.do === 'append-registry') {
    const { n } = effect.batch
    const outcome = await stores.registry.append(encode(effect.batch), effect.lastSequence)
    if (!outcome.done) return { kind: 'registry.conflict', epoch, n }
    return { kind: 'registry.appended', epoch, n, sequence: outcome.sequence }
  }
  const { reading, from, max } = effect
  const { entries, next, lastSequence } = await stores.registry.readFrom(from, max)
  const batches: LogBatch[] = entries.flatMap(({ sequence, payload }) => {
    const batch: RegistryBatch | undefined = read(stores, 'RegistryBatch', payload)
    return batch === undefined ? [] : [{ sequence, batch }]
  })
  return { kind: 'registry.read', epoch, reading, batches, next, lastSequence }
}

/** What cannot be removed now is removed another time. */
export async function trimLog({ registry }: Stores, below: number): Promise<void> {
  try {
    await registry.removeBelow(below)
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error
  }
}

function read<N extends MessageName>(
  { onUnreadable }: Stores,
  name: N,
  payload: Uint8Array,
): Message<N> | undefined {
  const decoded = decode(payload)
  const checked = decoded.ok ? check(name, decoded.value) : decoded
  if (checked.ok) return checked.value as Message<N>
  onUnreadable(name, checked.refusal)
  return undefined
}
