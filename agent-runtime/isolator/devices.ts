/** Devices: a task gets those that every program needs, and its own. Of the rest it opens none. */
import type { CgroupIsolator, DeviceNumber, Setting } from './isolator.ts'

/** Read and written by every task. Source: the kernel's list of devices, devices.txt. */
const FOR_ALL: Readonly<Record<string, DeviceNumber>> = {
  null: { major: 1, minor: 3 },
  zero: { major: 1, minor: 5 },
  full: { major: 1, minor: 7 },
  random: { major: 1, minor: 8 },
  urandom: { major: 1, minor: 9 },
  tty: { major: 5, minor: 0 },
  ptmx: { major: 5, minor: 2 },
  pts: { major: 136, minor: '*' },
}

export const devicesIsolator: CgroupIsolator = {
  name: 'devices',
  controller: 'devices',
  settings({ devices = [] }) {
    const opened = [...Object.values(FOR_ALL), ...devices]
    return [
      { file: 'devices.deny', text: 'a' },
      // To make a node is not to open it, and programs that unpack whole systems make some.
      ...['c *:* m', 'b *:* m'].map(allow),
      ...opened.map(({ major, minor }) => allow(`c ${major}:${minor} rwm`)),
    ]
  },
  usage: () => ({}),
}

/** What the agent itself may not open, nobody can be given. */
const allow = (text: string): Setting => ({ file: 'devices.allow', text, ifThere: true })
