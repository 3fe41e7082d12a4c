/** What somebody wants to run, checked before anybody is asked. */
import { check } from '../../protocol/check.ts'
import { type Refusal, refusal } from '../../protocol/errors.ts'
import { tokenFrom } from '../../protocol/ids.ts'
import { CONTAINER_PORTS_MAX, TASK_BYTES_MAX } from '../../protocol/limits.ts'
import { fromThousandths } from '../../protocol/scalar.ts'
import type { TaskLinux, TaskRlimit } from '../../protocol/schema/task-linux.ts'
import { problemOfTask } from '../../protocol/task-problem.ts'
import { wireBytes } from '../../protocol/wire-size.ts'
import { confiningOf } from './confining.ts'
import type { Constraint } from './constraints.ts'
import { type HealthWish, healthCheckOf, needsPort } from './health-check.ts'
import { containerOf, type ImageWish, problemOfImage, publishedOf, RUNS_IMAGES } from './image.ts'
import { NO_RESTARTS, type RestartPolicy } from './restarts.ts'
import { problemOfRoot, type RootWish, RUNS_ROOTS } from './root.ts'
import { type Plan, wantedOf } from './state.ts'

export interface Wish {
  /**
   * A string goes to `/bin/sh -c`; a list is a program and its arguments. With an image an empty
   * list is what the image runs.
   */
  readonly command: string | readonly string[]
  /** Default: processes on their agents' own files. */
  readonly image?: ImageWish
  /** The same; not both. */
  readonly root?: RootWish
  /** Default 1. */
  readonly instances?: number
  readonly cpus: number
  /** MiB. */
  readonly mem: number
  /** MiB. Default 0. */
  readonly disk?: number
  /** Whole ones. Default 0. */
  readonly gpus?: number
  /** So many ports for each instance, beside those that an image publishes. Default 0. */
  readonly ports?: number
  /** Default `*`. */
  readonly role?: string
  /** Default: the first word of the command, or the image. */
  readonly name?: string
  readonly env?: Readonly<Record<string, string>>
  readonly user?: string
  /** Of each of its processes. Default: the agent's. */
  readonly rlimits?: readonly TaskRlimit[]
  /** What its processes may do and see on their machine. Default: what the agent's may. */
  readonly linux?: TaskLinux
  /** All of them hold where an instance is. Default: it may be anywhere. */
  readonly constraints?: readonly Constraint[]
  /** Default: never. */
  readonly restart?: RestartPolicy
  /** False: nobody wants what tasks write; it stays with their agents. Default true. */
  readonly readsOutput?: boolean
  /** All must be placed within. Default: they wait for ever. */
  readonly timeoutMs?: number
  /** From SIGTERM to SIGKILL. Default 3 s. */
  readonly killGraceMs?: number
  /** Who is not well is killed, and started again if that is wished. Default: nobody looks. */
  readonly health?: HealthWish
}

const NAME_LENGTH_MAX = 256
/** What a task is beside its command and environment: ids, resources, a name. */
const OWN_BYTES = 2_048
const COMMAND_BYTES_MAX = TASK_BYTES_MAX - OWN_BYTES

/** A sentence says what is wrong with the wish. */
export function planOf(wish: Wish): Plan | Refusal {
  const { instances = 1, timeoutMs, constraints = [], restart = NO_RESTARTS, image, root } = wish
  const ports = (wish.ports ?? 0) + (image ? publishedOf(image) : 0)
  const name = wish.name ?? programOf(wish)
  const plan = {
    instances,
    prefix: tokenFrom(name),
    wanted: wantedOf({ ...wish, ports }),
    constraints: [
      ...constraints,
      ...(image ? [RUNS_IMAGES] : []),
      ...(root ? [RUNS_ROOTS] : []),
      ...confiningOf(wish),
    ],
    restart,
    readsOutput: wish.readsOutput ?? true,
    timeoutMs,
    task: taskPart(wish, name),
    health: wish.health,
    image,
    root,
  }
  return problemOf(plan, wish) ?? plan
}

function taskPart(
  { command, env, user, killGraceMs, rlimits, linux }: Wish,
  name: string,
): Plan['task'] {
  return {
    name,
    command,
    ...(env !== undefined && { env }),
    ...(user !== undefined && { user }),
    ...(killGraceMs !== undefined && { killGraceMs }),
    ...(rlimits !== undefined && { rlimits }),
    ...(linux !== undefined && { linux }),
  }
}

function wordsOf({ command }: Wish): readonly string[] {
  return typeof command === 'string' ? command.trim().split(/\s+/) : command
}

/** As a task's name; empty commands are refused in any case. */
function programOf(wish: Wish): string {
  const image = wish.image?.image.split('/').at(-1)?.split(/[:@]/)[0]
  const program = wordsOf(wish)[0]?.split('/').at(-1) || image || 'command'
  return program.slice(0, NAME_LENGTH_MAX)
}

function problemOf(plan: Plan, wish: Wish): Refusal | undefined {
  const { role = '*', user } = wish
  const { task, wanted } = plan
  const { command, env = {}, name = '' } = task
  if (isEmptyCommand(wish)) return wrong('the command is empty')
  if (name === '' || name.length > NAME_LENGTH_MAX)
    return wrong(`the name has ${name.length} characters, not 1 to ${NAME_LENGTH_MAX}`)
  if (!isRole(role))
    return wrong(`role ${shown(role)} is neither * nor a path like web or web/shop, without spaces`)
  if (user !== undefined && !isUser(user))
    return wrong(
      `user ${shown(user)} is no name of a user (small letters, digits, _ and -) and no number of one`,
    )
  if (plan.health !== undefined && needsPort(plan.health) && wanted.ports === 0)
    return wrong('a check over the network asks the first port of each instance: it needs one')
  if (wanted.scalars.size === 0 && wanted.ports === 0)
    return wrong('an instance needs some cpus, mem or ports')
  const bytes = wireBytes({ command, env, health: plan.health, image: plan.image, root: plan.root })
  if (bytes > COMMAND_BYTES_MAX)
    return wrong(`command and environment take ${bytes} bytes, of at most ${COMMAND_BYTES_MAX}`)
  return confinementProblem(wish) ?? acceptProblem(plan) ?? containerProblem(plan)
}

function confinementProblem(wish: Wish): Refusal | undefined {
  const confinement = confinementOf(wish)
  if ((wish.image ?? wish.root) !== undefined && Object.keys(confinement).length > 0)
    return wrong(
      'ulimits, capabilities, privileges and namespaces are for processes, not for images and roots',
    )
  const problem = problemOfTask(confinement)
  return problem === undefined ? undefined : wrong(problem)
}

const containerProblem = ({ image, root, health }: Plan): Refusal | undefined =>
  (image && problemOfImage(image, health)) ?? (root && problemOfRoot(root, health))

/** An image has a command of its own. */
function isEmptyCommand(wish: Wish): boolean {
  const [first = ''] = wordsOf(wish)
  return first === '' && (wish.image === undefined || wordsOf(wish).length > 0)
}

const confinementOf = ({ rlimits, linux }: Wish) => ({
  ...(rlimits !== undefined && { rlimits: [...rlimits] }),
  ...(linux !== undefined && { linux }),
})

/** What the leader would say of it; what people often get wrong was told before. */
function acceptProblem({ task, wanted, health, image }: Plan): Refusal | undefined {
  const { name, command, env, user, killGraceMs, rlimits, linux } = task
  const resources = Object.fromEntries(
    [...wanted.scalars].map(([resource, amount]) => [resource, fromThousandths(amount)]),
  )
  return launchProblem({
    taskId: 'task',
    name,
    resources,
    command: {
      ...(typeof command === 'string' ? { shell: command } : { argv: wordsHere(command) }),
      ...(env !== undefined && { env: { ...env } }),
      ...(user !== undefined && { user }),
    },
    ...(killGraceMs !== undefined && { killGraceMs }),
    ...(image && { container: containerOf(image, ANY_PORTS) }),
    ...(health && { healthCheck: healthCheckOf(health, ANY_PORT) }),
    ...(rlimits !== undefined && { rlimits: [...rlimits] }),
    ...(linux !== undefined && { linux }),
  })
}

const ANY_PORT = 1
/** So many can be published at most. */
const ANY_PORTS = Array.from({ length: CONTAINER_PORTS_MAX + 1 }, () => ANY_PORT)
/** Of what an image runs nothing is known. */
const wordsHere = (command: readonly string[]) => (command.length === 0 ? ['any'] : [...command])

function launchProblem(task: object): Refusal | undefined {
  const operations = [{ kind: 'launch', tasks: [task] }]
  const checked = check('Accept', { offers: ['offer'], operations })
  return checked.ok ? undefined : checked.refusal
}

const isRole = (role: string): boolean =>
  check('Subscribe', { secret: 'secretly', name: 'run', roles: [role] }).ok

const isUser = (user: string): boolean =>
  launchProblem({ taskId: 'task', resources: {}, command: { argv: ['true'], user } }) === undefined

const shown = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

const wrong = (message: string): Refusal => refusal('invalid', message)
