/** File systems of a few MiB, on files: they can be filled without harm to others. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { hasProgram, type Need } from '../support/needs.ts'
import type { SmallDisk } from './contract.ts'

export interface MountedDisk extends SmallDisk {
  unmount(): void
}

/** For `needs`: whether file systems can be mounted in `folder`. */
export function disksNeed(): Need {
  const name = 'the right to mount a file as a file system'
  if (!hasProgram('mkfs.ext4')) {
    return { name: 'mkfs.ext4', found: false, install: 'apt-get install e2fsprogs' }
  }
  const folder = mkdtempSync(join(tmpdir(), 'bourse-disk-'))
  try {
    mountSmallDisk(join(folder, 'probe'), 1).unmount()
    return { name, found: true }
  } catch {
    // Not root, or a container without loop devices: nothing that one installs helps.
    return { name, found: false }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const CHUNKS = [1 << 20, 1 << 12, 1]
/** A sandbox is a few small files: the space is to be gone before the inodes. */
const BYTES_PER_INODE = 1 << 10

/** `folder` becomes a file system of `mib` MiB; its image lies beside it. @throws not root. */
export function mountSmallDisk(folder: string, mib: number): MountedDisk {
  const image = `${folder}.img`
  mkdirSync(folder, { recursive: true })
  mkdirSync(dirname(image), { recursive: true })
  writeFileSync(image, '')
  truncateSync(image, mib << 20)
  const inodes = ['-i', String(BYTES_PER_INODE)]
  execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', ...inodes, image], { stdio: 'ignore' })
  execFileSync('mount', ['-o', 'loop', image, folder], { stdio: 'ignore' })
  rmSync(join(folder, 'lost+found'), { recursive: true })
  const filler = join(folder, '.filler')
  return {
    folder,
    fill: () => fill(filler),
    free: () => rmSync(filler, { force: true }),
    unmount() {
      // Lazily: a process that has just been killed may still have a file open.
      execFileSync('umount', ['-l', folder], { stdio: 'ignore' })
      rmSync(image, { force: true })
    },
  }
}

/** To the last byte. */
function fill(path: string): void {
  const fd = openSync(path, 'a')
  try {
    for (const size of CHUNKS) writeUntilFull(fd, Buffer.alloc(size))
  } finally {
    closeSync(fd)
  }
}

function writeUntilFull(fd: number, chunk: Buffer): void {
  for (;;) {
    try {
      if (writeSync(fd, chunk) < chunk.length) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
      throw error
    }
  }
}
