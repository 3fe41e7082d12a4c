/** Agents that start again. */
import { behaviour, different, inFile, type Section } from './behaviour.ts'

const absences = (...titles: readonly string[]) => inFile('scenario/absences', ...titles)
const recovery = (...titles: readonly string[]) => inFile('unit/actors/agent/recovery', ...titles)

export const RECOVERY: Section = {
  title: 'Recovery of agents',
  numbers: [88, 89, 90, 92, 93, 94],
  behaviours: [
    behaviour(
      88,
      'An agent that starts again has its tasks as before, and tells of them what comes.',
      absences(
        'an agent that crashes and starts again has its tasks as before, and they go on to be told of',
      ),
    ),
    behaviour(89, 'A task that ended meanwhile is told as ended.', [
      ...absences('a task that ended while its agent was down is told with its true end'),
      ...recovery('a running task whose container is gone is FAILED, its exit unknown'),
    ]),
    behaviour(
      90,
      'Tasks of a framework that asks for no checkpoints end with their agent.',
      [],
      different('0003', 'all tasks outlive their agent: nobody can ask for less'),
    ),
    behaviour(
      92,
      'An agent that recovers for longer than its pings answers them, and is not lost.',
      inFile(
        'unit/actors/agent/shell',
        'an agent that is asked while it recovers says that it does',
      ),
    ),
    behaviour(
      93,
      'A task that was decided upon and never started is told as over.',
      recovery(
        'a crash between checkpoint and launch: the task is DROPPED',
        'a container that never started: the task is DROPPED and the container removed',
      ),
    ),
    behaviour(94, 'An agent that has more than before keeps its tasks and offers more.', [
      ...absences(
        'an agent that starts again with more has its tasks as before, and offers the rest',
      ),
      ...recovery('other resources than before are another version, and older offers are stale'),
    ]),
  ],
}
