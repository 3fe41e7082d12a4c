/** Devices: a task gets those that every program needs, and its own. Of the rest it opens none. */
import { onlyDevices } from './cgroups/device-lists.ts'
import { cgroupIsolator } from './cgroups/isolator.ts'

export const devicesIsolator = cgroupIsolator({
  name: 'devices',
  controller: 'devices',
  lacks: { devices: 'tasks can open every device that their user may' },
  /** GPUs are taken before: they are among its own. */
  settings({ containerId }, { cgroups, gpus }) {
    const own = gpus.devicesOf(gpus.takenBy(containerId))
    return cgroups.areDevicesShared && own.length === 0 ? [] : onlyDevices(own)
  },
})
