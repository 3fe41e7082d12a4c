/**
 * The configuration of a NATS server with credentials: the project's own, with four things changed.
 */
import assert from 'node:assert/strict'

export interface ServerPlace {
  readonly cluster: string
  readonly host: string
  readonly port: number
  /** Absolute: where it keeps its streams. */
  readonly storeDir: string
  /** Absolute: where this text is going to lie. */
  readonly path: string
}

export const USERS_FILE = 'users.conf'

/**
 * `original`: the project's `nats.conf`, in paragraphs that each begin with what they are about.
 */
export function serverText(original: string, place: ServerPlace): string {
  const { cluster, host, port, storeDir, path } = place
  const paragraphs = original.trimEnd().split('\n\n')
  const replace = (mark: RegExp, text: string): void => {
    const at = paragraphs.findIndex((paragraph) => mark.test(paragraph))
    assert(at >= 0, `nats.conf has no paragraph with ${mark}`)
    paragraphs[at] = text
  }
  replace(
    /^# The one NATS configuration/,
    `# NATS for cluster ${cluster}, with credentials. Written by \`bourse auth init\`, yours to change.
#
#     nats-server -c ${path}`,
  )
  replace(/^host:/m, `host: ${JSON.stringify(host)}\nport: ${port}`)
  replace(
    /^jetstream:/m,
    `# Leases, the registry and the history of events. Not by the flag -sd: a server that was started
# with it does not reload its users.
jetstream: { store_dir: ${JSON.stringify(storeDir)} }`,
  )
  paragraphs.push(
    `# Who may connect. After a change: nats-server --signal reload\ninclude "${USERS_FILE}"`,
  )
  return `${paragraphs.join('\n\n')}\n`
}
