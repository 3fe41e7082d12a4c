/** In what a task runs, if it is not to be a process on its agent's own files. */
import Type, { type Static } from 'typebox'
import {
  CONTAINER_PORTS_MAX,
  CONTAINER_VOLUMES_MAX,
  ENTRY_POINT_WORDS_MAX,
  IMAGE_LENGTH_MAX,
  PATH_LENGTH_MAX,
} from '../limits.ts'
import { NO_NUL_PATTERN } from '../patterns.ts'
import { integer, item, list, message, oneOf, text, word } from './shapes.ts'

const path = text(PATH_LENGTH_MAX, 1)

const volumes = Type.Optional(
  list(
    message('A folder or file of the machine. Paths are absolute, without `..`.', {
      hostPath: path,
      containerPath: path,
      readOnly: Type.Optional(Type.Boolean()),
    }),
    CONTAINER_VOLUMES_MAX,
  ),
)

const portMappings = Type.Optional(
  list(
    message('A port of the machine, one that the task was given, that leads into its network.', {
      hostPort: integer(1, 65_535),
      containerPort: integer(1, 65_535),
      /** Default tcp. */
      protocol: Type.Optional(word('tcp', 'udp')),
    }),
    CONTAINER_PORTS_MAX,
  ),
)

export type DockerContainer = Static<typeof DockerContainer>
export const DockerContainer = item('docker', 'An image of a container service.', {
  /** As the service names it, which has it already: none is fetched. */
  image: text(IMAGE_LENGTH_MAX, 1),
  /** In place of the image's, before a command of words. */
  entryPoint: Type.Optional(
    list(
      Type.String({ pattern: NO_NUL_PATTERN, maxLength: PATH_LENGTH_MAX }),
      ENTRY_POINT_WORDS_MAX,
      1,
    ),
  ),
  /** Default host: the machine's own, where the ports are that the task was given. */
  network: Type.Optional(word('host', 'bridge', 'none')),
  /** For the network bridge alone. */
  portMappings,
  volumes,
})

export type OciContainer = Static<typeof OciContainer>
export const OciContainer = item(
  'oci',
  'A root filesystem of the machine, run by an OCI runtime.',
  {
    /** Of a folder or a tar: absolute, without `..`. Nothing is written to it. */
    root: path,
    /** Default host: the machine's own, where the ports are that the task was given. */
    network: Type.Optional(word('host', 'none')),
    volumes,
  },
)

/** Absent: a process on its agent's own files. */
export type TaskContainer = Static<typeof TaskContainer>
export const TaskContainer = oneOf(DockerContainer, OciContainer)
