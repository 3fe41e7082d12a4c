/** A machine whose tasks run in an image, for the tests that each containerizer has to pass. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  ContainerSpec,
  OnContainerEvent,
} from '../../agent-runtime/containerizer/containerizer.ts'
import { DockerContainerizer } from '../../agent-runtime/containerizer/docker/docker.ts'
import { foundOf } from '../../agent-runtime/containerizer/docker/found.ts'
import { sleep, systemClock } from '../../bus/clock.ts'
import type { DockerContainer } from '../../protocol/schema/task-container.ts'
import { AN_IMAGE, type ContainerService } from './container-service.ts'
import { AN_AGENT, fileHolds, type Machine } from './containers.ts'

const LOOK_MS = 20

/** What no test names runs in the image that is there, without a network. */
const AN_IMAGE_ALONE: DockerContainer = { kind: 'docker', image: AN_IMAGE, network: 'none' }

class Imaged extends DockerContainerizer {
  override launch(spec: ContainerSpec): void {
    super.launch({ container: AN_IMAGE_ALONE, ...spec })
  }
}

export interface DockerMachine extends Machine {
  readonly workDir: string
  readonly service: ContainerService
  sandboxPath(spec: ContainerSpec): string
}

export function dockerMachine(service: ContainerService): DockerMachine {
  const workDir = mkdtempSync(join(tmpdir(), `bourse's "$(id)" docker-`))
  let heard = () => {}
  let last: DockerContainerizer | undefined
  const sandboxPath = ({ sandbox: { principal, frameworkId, taskId, launch } }: ContainerSpec) =>
    join(workDir, 'sandboxes', principal, frameworkId, taskId, launch)
  const open = async (onEvent: OnContainerEvent): Promise<DockerContainerizer> => {
    last = new Imaged({
      workDir,
      agentId: AN_AGENT,
      socketPath: service.socketPath,
      clock: systemClock,
      onEvent(event) {
        onEvent(event)
        heard()
      },
    })
    return last
  }
  return {
    workDir,
    service,
    sandboxPath,
    open,
    async until(isDone) {
      while (!isDone()) {
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    },
    async endUnseen(containerId) {
      const names = await service.containers()
      const name = names.find((one) => one.endsWith(`-${containerId}`))
      const look = () => service.api.call({ method: 'GET', path: `/containers/${name}/json` })
      while (foundOf(await look())?.kind !== 'exited') await sleep(LOOK_MS)
    },
    written: (spec) => fileHolds(join(sandboxPath(spec), 'stdout'), /./),
    async [Symbol.asyncDispose]() {
      await last?.close()
      const cleaner = await open(() => {})
      const found = await cleaner.recover()
      await Promise.all(found.map(({ containerId }) => cleaner.destroy(containerId)))
      await cleaner.close()
      rmSync(workDir, { recursive: true })
    },
  }
}
