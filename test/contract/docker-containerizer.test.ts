/** Podman with runc stands for every service that speaks Docker's API. */
import test, { type ExecutionContext, type TestFn } from 'ava'
import { ContainerService, containerServiceNeed } from '../support/container-service.ts'
import { dockerMachine } from '../support/docker-machine.ts'
import { needs, TIME } from '../support/needs.ts'
import { containerizerContract } from './containerizer-contract.ts'

const need = containerServiceNeed()
let service: ContainerService

test.before(async () => {
  if (need.found && TIME.found) service = await ContainerService.open()
})
test.after.always(() => service?.[Symbol.asyncDispose]())

/** One after the other: a service has two processors here, and each container is some work. */
const here = ((title: string, run: (t: ExecutionContext) => Promise<void>) => {
  test.serial(title, async (t) => {
    if (!needs(t, need) || !needs(t, TIME)) return
    const found = !/ends by SIG/.test(title)
    if (needs(t, { name: "a word of Docker's API for a signal that nobody sent", found })) {
      await run(t)
    }
  })
}) as TestFn

containerizerContract(here, 'containers', () => dockerMachine(service))
