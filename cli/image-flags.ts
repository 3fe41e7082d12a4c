/** An image or a root filesystem and what belongs to it, as written in flags: like docker's. */
import { type Command, Option } from 'commander'
import type { ImageWish } from '../frameworks/run/image.ts'
import type { RootWish } from '../frameworks/run/root.ts'
import { collected, someText, WrongValue } from './arguments.ts'
import { wrongUse } from './exit-code.ts'

export interface ImageFlags {
  readonly image?: string
  readonly root?: string
  readonly entrypoint?: string
  readonly volume?: readonly Volume[]
  readonly network?: 'host' | 'bridge' | 'none'
  readonly publish?: readonly Published[]
}

type Volume = NonNullable<ImageWish['volumes']>[number]
type Published = NonNullable<ImageWish['publish']>[number]

export function addImageOptions(command: Command): void {
  command
    .option('--image <name>', 'runs in this image; without a command what it runs itself', someText)
    .option('--root <path>', 'runs in this folder or tar of the machine, as its root', someText)
    .option('--entrypoint <program>', "in place of the image's", someText)
    .option(
      '--volume <HOST:PATH>',
      'a folder or file of the machine, at a path in the image or root; may end with :ro',
      collected(parseVolume),
    )
    .addOption(
      new Option(
        '--network <kind>',
        "of the image; a root has host or none (default: bridge with --publish, else the machine's)",
      ).choices(['host', 'bridge', 'none']),
    )
    .option(
      '--publish <port>',
      'of the image: PORT0, PORT1 … of the machine lead there in turn; may end with /udp',
      collected(parsePublish),
    )
}

/** `HOST:CONTAINER`, with `:ro` where nothing may be changed. */
function parseVolume(text: string): Volume {
  const [hostPath = '', containerPath = '', mode = 'rw', ...more] = text.split(':')
  const isWhole = hostPath !== '' && containerPath !== '' && more.length === 0
  if (!isWhole || (mode !== 'ro' && mode !== 'rw'))
    throw new WrongValue('is not HOST:CONTAINER or HOST:CONTAINER:ro, both absolute paths')
  return { hostPath, containerPath, ...(mode === 'ro' && { readOnly: true }) }
}

/** `80` or `53/udp`. */
function parsePublish(text: string): Published {
  const [, port, protocol] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? []
  const containerPort = Number(port)
  if (port === undefined || containerPort < 1 || containerPort > 65_535)
    throw new WrongValue('is not PORT or PORT/udp; the port of the machine is given by the cluster')
  return { containerPort, ...(protocol === 'udp' && { protocol }) }
}

/** @throws {ClusterError} `cli/usage`. */
export function imageOf(flags: ImageFlags): ImageWish | undefined {
  const { image, root, entrypoint, volume, network, publish } = flags
  if (image !== undefined && root !== undefined)
    throw wrongUse('a task runs in an image or in a root: --image or --root')
  if (image !== undefined) {
    return {
      image,
      ...(entrypoint !== undefined && { entryPoint: [entrypoint] }),
      ...(network !== undefined && { network }),
      ...(volume !== undefined && { volumes: [...volume] }),
      ...(publish !== undefined && { publish }),
    }
  }
  const idle = given({ entrypoint, publish })
  if (idle !== undefined) throw wrongUse(`--${idle} is for images: add --image`)
  const shared = root === undefined ? given({ volume, network }) : undefined
  if (shared !== undefined)
    throw wrongUse(`--${shared} is for images and roots: add --image or --root`)
  return undefined
}

const given = (flags: object): string | undefined =>
  Object.entries(flags).find(([, value]) => value !== undefined)?.[0]

/** @throws {ClusterError} `cli/usage`. */
export function rootOf({ root, volume, network }: ImageFlags): RootWish | undefined {
  if (root === undefined) return undefined
  if (network === 'bridge') throw wrongUse('a root has the network host or none, not bridge')
  return {
    root,
    ...(network !== undefined && { network }),
    ...(volume !== undefined && { volumes: [...volume] }),
  }
}
