/** The agent's id: chosen at its first start in a work directory, and kept there. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { RandomToken } from '../../bus/random.ts'
import { ClusterError } from '../../protocol/errors.ts'
import { type AgentId, parseId, tokenFrom } from '../../protocol/ids.ts'

export interface Identity {
  /** Absent: the one of the first start, or a new one. */
  readonly agentId?: AgentId
  readonly hostname: string
  readonly randomToken: RandomToken
}

/**
 * @throws {ClusterError} `agent/other-id`: the directory belongs to an agent of another id.
 * `agent/bad-id`: what stands there is none.
 */
export function agentIdIn(workDir: string, identity: Identity): AgentId {
  const { agentId, hostname, randomToken } = identity
  const kept = keptAgentId(workDir)
  if (kept === undefined) {
    const chosen = agentId ?? (`${tokenFrom(hostname)}-${randomToken(64)}` as AgentId)
    writeId(pathIn(workDir), chosen)
    return chosen
  }
  if (agentId !== undefined && agentId !== kept) {
    const message = `${workDir} belongs to agent ${kept}: start that one, or give ${agentId} another --work-dir`
    throw new ClusterError('agent/other-id', 'never', message)
  }
  return kept
}

const pathIn = (workDir: string): string => join(workDir, 'agent-id')

/** Undefined: no agent was ever started there. @throws {ClusterError} `agent/bad-id`. */
export function keptAgentId(workDir: string): AgentId | undefined {
  const path = pathIn(workDir)
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ClusterError('agent/bad-id', 'never', `${path} cannot be read`, { cause: error })
  }
  // The agent died before it had written its id: nobody has heard of it.
  if (text === '') return undefined
  const id = parseId<AgentId>('agent id', text)
  if (typeof id === 'string') return id
  throw new ClusterError('agent/bad-id', 'never', `${path} holds no id: ${id.message}`)
}

/** On disk when it returns. */
function writeId(path: string, agentId: AgentId): void {
  const fd = openSync(path, 'w')
  try {
    writeSync(fd, `${agentId}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
