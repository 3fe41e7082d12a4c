/** Where garbage is said: on a server that knows nobody, or with the rights of each who speaks. */
import { locateNats, type NatsLocation } from '../../bus/nats/locate.ts'
import { Actor, openCluster } from '../support/cluster.ts'
import { startSecuredServer } from '../support/secured-server.ts'

export interface Place {
  /** Starts `bourse ARGS` as that user. */
  start(user: string, ...args: readonly string[]): Promise<Actor>
  /** How that user connects. */
  locationOf(user: string): NatsLocation
  close(): Promise<void>
}

/** Everybody may say everything. */
export async function openPlace(): Promise<Place> {
  const cluster = await openCluster()
  const location = { servers: [cluster.server.url], source: 'a test' }
  return {
    start: (_, ...args) => cluster.start(...args),
    locationOf: () => location,
    close: () => cluster.close(),
  }
}

/** Beside those that `bourse auth init` makes. */
const USERS = [
  'master m2',
  'master stranger',
  'allocator stranger',
  'agent e-1',
  'agent stranger-1',
  'framework local',
  'framework garbage',
  'operator garbage',
]

/**
 * Everybody has the credentials that `bourse auth` gives to such a user, and NATS keeps to them.
 */
export async function openSecuredPlace(): Promise<Place> {
  const server = await startSecuredServer(USERS)
  const actors: Actor[] = []
  const envOf = (user: string): NodeJS.ProcessEnv => ({
    ...server.env(`${user.replace(' ', '-')}.nk`),
    BOURSE_STATE_DIR: `${server.folder}/state`,
  })
  return {
    async start(user, ...args) {
      const actor = new Actor(args, envOf(user))
      actors.push(actor)
      await actor.start()
      return actor
    },
    locationOf(user) {
      const location = locateNats(undefined, envOf(user))
      if (location === undefined) throw new Error(`the environment of ${user} names no server`)
      return location
    },
    async close() {
      for (const actor of actors.splice(0).reverse()) await actor.end()
      await server.close()
    },
  }
}
