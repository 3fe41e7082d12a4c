/** A machine whose tasks run in an image, for the tests that each containerizer has to pass. */
import { foundOf } from '../../agent-runtime/containerizer/docker/found.ts'
import { sleep, systemClock } from '../../bus/clock.ts'
import { AN_IMAGE, type ContainerService } from './container-service.ts'
import { inContainer, type RealMachine, realMachine } from './containers.ts'

const LOOK_MS = 20

/** What no test names runs in the image that is there, without a network. */
const AN_IMAGE_ALONE = { kind: 'docker', image: AN_IMAGE, network: 'none' } as const

export function dockerMachine(service: ContainerService): RealMachine {
  const machine = realMachine(undefined, systemClock, { containerService: service.socketPath })
  return {
    ...inContainer(machine, AN_IMAGE_ALONE),
    async endUnseen(containerId) {
      const names = await service.containers()
      const name = names.find((one) => one.endsWith(`-${containerId}`))
      const look = () => service.api.call({ method: 'GET', path: `/containers/${name}/json` })
      while (foundOf(await look())?.kind !== 'exited') await sleep(LOOK_MS)
    },
  }
}
