/** Devices: a task gets those that every program needs, and its own. Of the rest it opens none. */
import { onlyDevices } from './cgroups/device-lists.ts'
import { cgroupIsolator } from './cgroups/isolator.ts'

export const devicesIsolator = cgroupIsolator({
  name: 'devices',
  controller: 'devices',
  lacks: 'tasks can open every device that their user may',
  /** GPUs come before in the order: they are taken by now, and among its own. */
  settings({ containerId }, { cgroups, gpus }) {
    const own = gpus.devicesOf(gpus.takenBy(containerId))
    return cgroups.devices === 'shared' && own.length === 0 ? [] : onlyDevices(own)
  },
})
