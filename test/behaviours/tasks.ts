/** How agents start, kill and clean up. */
import { behaviour, inFile, notYet, otherTransport, type Section } from './behaviour.ts'

const tasks = (...titles: readonly string[]) => inFile('unit/actors/agent/tasks', ...titles)
const groups = (...titles: readonly string[]) => inFile('unit/actors/agent/groups', ...titles)
const sandboxes = (...titles: readonly string[]) => inFile('unit/actors/agent/sandboxes', ...titles)
const EXECUTORS = notYet('executors of frameworks')

const checks = (...titles: readonly string[]) =>
  inFile('unit/actors/agent/checks/checks', ...titles)

export const TASKS: Section = {
  title: 'Launch and kill at the agent',
  numbers: [76, 77, 78, 80, 81, 82, 84, 85, 86],
  behaviours: [
    behaviour(76, 'A task that is killed before it started is KILLED, with all of its group.', [
      ...tasks(
        'killed in the turn in which it came, a task never gets a container',
        'killed before it started, a task is KILLED when its launch fails',
      ),
      ...groups('killed in the turn of its launch, none of the group is started'),
    ]),
    behaviour(77, 'An executor that has nothing left to do is shut down.', [], EXECUTORS),
    behaviour(
      78,
      'Tasks for one executor are delivered in the order of their launch.',
      [],
      EXECUTORS,
      otherTransport('nothing is authorised at the agent: orders are one list, taken in order'),
    ),
    behaviour(
      80,
      'When a container cannot be resized at the end of a task, it is destroyed.',
      [],
      notYet('containers of several tasks, which grow and shrink'),
    ),
    behaviour(
      81,
      'A launch that was made from older resources than the agent has is refused.',
      tasks('a run of other resources than the agent has now is dropped as a whole'),
    ),
    behaviour(
      82,
      'A kill is told as KILLING, then KILLED, whatever the exit code.',
      tasks(
        'a kill of a running task is in the checkpoint, sent on, and told as KILLING',
        'after a kill {"code":0} is KILLED',
        'after a kill {"signal":15,"name":"SIGTERM"} is KILLED',
      ),
    ),
    behaviour(
      84,
      'A task that may run no longer than that is ended with all of its group.',
      checks(
        'completion: who is not done in time is killed without grace, and has failed',
        'completion: the whole group ends with it',
      ),
    ),
    behaviour(
      85,
      'A cache of fetched files that is full makes room, or is passed by.',
      [],
      notYet('a fetcher'),
    ),
    behaviour(
      86,
      'Sandboxes go earlier on a disk that fills up, and never while they are in use.',
      sandboxes(
        'on a disk without headroom all sandboxes go but those of tasks that are held',
        'the oldest go first, a hundred at a time, and the disk is looked at before the next',
        'sandboxes that nobody knows of are kept as long as others, those of tasks are left alone',
      ),
    ),
  ],
}
