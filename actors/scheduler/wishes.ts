/** A task as a framework's author writes it, and as it travels. */
import { check } from '../../protocol/check.ts'
import { problemOfContainer } from '../../protocol/container-problem.ts'
import { type Refusal, refusal } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/ids.ts'
import { SCALAR_MAX } from '../../protocol/limits.ts'
import { parseResources, type Resources } from '../../protocol/resources.ts'
import type { Command, TaskInfo, WantedResources } from '../../protocol/schema/common.ts'
import { problemOfTask } from '../../protocol/task-problem.ts'
import type { ResourceWish, TaskGroup, TaskWish } from './contract-offers.ts'
import type { LaunchOperation } from './inputs.ts'
import { GRACE, isFields, problemsOf, type Rule, type Rules, shown, TOKEN } from './rules.ts'

/** `newId` is asked when the wish names none. Nothing is checked: see `wishProblem`. */
export function taskOf(wish: TaskWish, newId: () => string): TaskInfo {
  const { taskId = newId(), name, resources, container, limits, killGraceMs, labels } = wish ?? {}
  const task: TaskInfo = {
    taskId: taskId as TaskId,
    resources: copyOf(resources) as WantedResources,
    command: commandOf(wish ?? {}),
  }
  if (name !== undefined) task.name = name
  if (container !== undefined) task.container = copyOf(container)
  if (limits !== undefined) task.limits = copyOf(limits)
  if (killGraceMs !== undefined) task.killGraceMs = killGraceMs
  if (labels !== undefined) task.labels = copyOf(labels)
  addRest(task, wish ?? {})
  return task
}

function addRest(task: TaskInfo, wish: Partial<TaskWish>): void {
  const { healthCheck, check: plainCheck, maxCompletionMs, rlimits, linux } = wish
  if (rlimits !== undefined) task.rlimits = copyOf(rlimits) as TaskInfo['rlimits'] & object
  if (linux !== undefined) task.linux = copyOf(linux) as TaskInfo['linux'] & object
  if (healthCheck !== undefined) task.healthCheck = copyOf(healthCheck)
  if (plainCheck !== undefined) task.check = copyOf(plainCheck)
  if (maxCompletionMs !== undefined) task.maxCompletionMs = maxCompletionMs
}

function commandOf(wish: TaskWish): Command {
  const { command, env, user } = wish
  const made: Command =
    typeof command === 'string' ? { shell: command } : { argv: copyOf(command) as string[] }
  if (isImages(wish)) delete made.argv
  if (env !== undefined) made.env = copyOf(env)
  if (user !== undefined) made.user = user
  return made
}

/** It runs what its image runs. */
const isImages = ({ command, container }: Partial<TaskWish>): boolean =>
  container?.kind === 'docker' && Array.isArray(command) && command.length === 0

/** The author may change theirs before it is sent. What is of no use is left to the check. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T
  if (!isFields(value)) return value
  // Not by Object.fromEntries: whoever packs what that makes pays more for each field.
  const copy: Record<string, unknown> = { ...value }
  for (const name of Object.keys(copy)) {
    const one = copy[name]
    if (typeof one === 'object') copy[name] = copyOf(one)
  }
  return copy as T
}

/**
 * The wishes as operations, in their order: those between groups are launched one by one. Nothing
 * is checked: see `wishProblem`.
 */
export function operationsOf(
  wishes: readonly (TaskWish | TaskGroup)[],
  newId: (wish: TaskWish) => string,
): readonly LaunchOperation[] {
  const operations: { kind: LaunchOperation['kind']; tasks: TaskInfo[] }[] = []
  const made = (wish: TaskWish): TaskInfo => taskOf(wish, () => newId(wish))
  for (const wish of wishes) {
    if (isGroup(wish)) {
      operations.push({ kind: 'launch-group', tasks: wish.group.map(made) })
      continue
    }
    const last = operations.at(-1)
    if (last?.kind === 'launch') last.tasks.push(made(wish))
    else operations.push({ kind: 'launch', tasks: [made(wish)] })
  }
  return operations
}

const isGroup = (wish: TaskWish | TaskGroup): wish is TaskGroup =>
  isFields(wish) && Array.isArray(wish['group'])

export function listProblem(wishes: unknown): string | undefined {
  return Array.isArray(wishes) ? undefined : `the tasks must be a list, not ${shown(wishes)}`
}

/** What is wrong with the first wish that is no good; undefined: none is. */
export function wishProblem(wishes: readonly (TaskWish | TaskGroup)[]): string | undefined {
  const empty = wishes.findIndex((wish) => isGroup(wish) && wish.group.length === 0)
  if (empty >= 0) return `item ${empty + 1}: a group must have at least one task`
  const tasks = wishes.flatMap((wish) => (isGroup(wish) ? wish.group : [wish]))
  for (const [index, wish] of tasks.entries()) {
    const where = `task ${index + 1}`
    if (!isFields(wish)) return `${where} must have a command and resources, not be ${shown(wish)}`
    const problems = [
      ...problemsOf(isImages(wish) ? { ...wish, command: 'any' } : wish, RULES),
      ...resourceProblems(wish['resources']),
      ...restProblems(wish),
      ...containerProblems(wish as Partial<TaskWish>),
    ]
    if (problems.length > 0) return `${where}: ${problems.join('; ')}`
  }
  return undefined
}

/** What is wished for, or what is wrong with it. */
export function wishedResources(wish: ResourceWish): Resources | Refusal {
  const [problem] = resourceProblems(wish)
  if (problem !== undefined) return refusal('invalid', problem)
  return parseResources(wish as WantedResources)
}

const NAME_PATTERN = /^[A-Za-z0-9_./-]{1,64}$/

function resourceProblems(value: unknown): readonly string[] {
  if (Array.isArray(value)) return entryProblems(value)
  if (!isFields(value))
    return [`resources must be amounts, like { cpus: 0.5, mem: 32 }, not ${shown(value)}`]
  return Object.entries(value).flatMap(([name, amount]) => {
    if (!NAME_PATTERN.test(name)) return [`resources: ${shown(name)} names no resource`]
    const isAmount = typeof amount === 'number' && amount >= 0 && amount <= SCALAR_MAX
    const what = `a number, 0 to ${SCALAR_MAX}`
    return isAmount ? [] : [`resources.${name} must be ${what}, not ${shown(amount)}`]
  })
}

function entryProblems(entries: readonly unknown[]): readonly string[] {
  const checked = check('Accept', acceptOf({ resources: copyOf(entries) }))
  if (!checked.ok)
    return [checked.refusal.message.replace(/^Accept: [a-z0-9.]*resources/, 'resources')]
  const parsed = parseResources(entries as WantedResources)
  return 'code' in parsed ? [parsed.message] : []
}

/** What the protocol says of them, which names the field. */
function restProblems(wish: Readonly<Record<string, unknown>>): readonly string[] {
  const { healthCheck, check: plainCheck, maxCompletionMs } = wish as Partial<TaskInfo>
  const { rlimits, linux } = wish as Partial<TaskInfo>
  const rest = {
    ...(rlimits !== undefined && { rlimits: copyOf(rlimits) }),
    ...(linux !== undefined && { linux: copyOf(linux) }),
    ...(healthCheck !== undefined && { healthCheck: copyOf(healthCheck) }),
    ...(plainCheck !== undefined && { check: copyOf(plainCheck) }),
    ...(maxCompletionMs !== undefined && { maxCompletionMs }),
  }
  const checked = check('Accept', acceptOf(rest))
  if (!checked.ok) return [checked.refusal.message.replace(/^Accept: [a-z0-9.]*tasks\.0\./, '')]
  const problem = problemOfTask(rest)
  return problem === undefined ? [] : [problem]
}

/** Of its ports no more is known here than that it may have them. */
function containerProblems({ container }: Partial<TaskWish>): readonly string[] {
  if (container === undefined) return []
  const checked = check('Accept', acceptOf({ container: copyOf(container) }))
  if (!checked.ok) return [checked.refusal.message.replace(/^Accept: [a-z0-9.]*tasks\.0\./, '')]
  const problem = problemOfContainer({ container, command: { shell: 'any' } }, ANY_PORTS)
  return problem === undefined ? [] : [problem]
}

const ANY_PORTS = [[1, 65_535]] as const

/** A whole accept of one task, to ask the protocol about a part of it. */
function acceptOf(fields: Readonly<Record<string, unknown>>): unknown {
  const task = { taskId: 'any', resources: {}, command: { shell: 'any' }, ...fields }
  return { offers: ['any'], operations: [{ kind: 'launch', tasks: [task] }] }
}

const rule = (
  what: string,
  fieldsOf: (value: unknown) => Readonly<Record<string, unknown>>,
): Rule => ({
  what,
  isGood: (value) => check('Accept', acceptOf(fieldsOf(value))).ok,
})

type Ruled = 'taskId' | 'name' | 'command' | 'env' | 'user' | 'limits' | 'killGraceMs' | 'labels'

const RULES: Rules<Pick<TaskWish, Ruled>> = {
  taskId: TOKEN,
  name: rule('a text of at most 256 characters', (name) => ({ name })),
  command: {
    ...rule('a text for /bin/sh, or a list of a program and its arguments', (command) => ({
      command: commandOf({ command: command as string, resources: {} }),
    })),
    isRequired: true,
  },
  env: rule('names of variables with texts as values', (env) => ({
    command: { shell: 'any', env },
  })),
  user: rule('the name of a user', (user) => ({ command: { shell: 'any', user } })),
  limits: rule('amounts of cpus and mem', (limits) => ({ limits })),
  killGraceMs: GRACE,
  labels: rule('names with texts as values', (labels) => ({ labels })),
}
