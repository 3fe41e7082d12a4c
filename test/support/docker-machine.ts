/** A machine whose tasks run in an image, for the tests that each containerizer has to pass. */
import type { ExecutionContext } from 'ava'
import {
  DockerContainerizer,
  type DockerContainerizerOptions,
} from '../../agent-runtime/containerizer/docker/docker.ts'
import { foundOf } from '../../agent-runtime/containerizer/docker/found.ts'
import { Looks } from '../../agent-runtime/isolator/looks/looks.ts'
import { SandboxFolder } from '../../agent-runtime/sandbox/folder.ts'
import { sleep, systemClock } from '../../bus/clock.ts'
import { AN_IMAGE, type ContainerService } from './container-service.ts'
import { AN_AGENT, inContainer, type RealMachine, realMachine } from './containers.ts'

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

/** One without the rest of an agent's machine. */
export function dockerAlone(
  t: ExecutionContext,
  options: Omit<DockerContainerizerOptions, 'agentId' | 'sandboxes' | 'looks'>,
): DockerContainerizer {
  const { workDir } = options
  const sandboxes = new SandboxFolder({ workDir, clock: systemClock })
  const looks = new Looks({
    clock: systemClock,
    path: workDir,
    endsForPorts: false,
    onStrangePorts() {},
  })
  t.teardown(async () => {
    looks.close()
    await sandboxes.close()
  })
  return new DockerContainerizer({ ...options, agentId: AN_AGENT, sandboxes, looks })
}
