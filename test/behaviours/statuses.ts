/** Statuses on their way from agents to frameworks. */
import { behaviour, inFile, notYet, otherTransport, type Section } from './behaviour.ts'

const streams = (...titles: readonly string[]) => inFile('unit/actors/agent/streams', ...titles)

export const STATUSES: Section = {
  title: 'Status updates',
  numbers: [70, 72, 73, 74],
  behaviours: [
    behaviour(
      70,
      'A status that nobody acknowledges is repeated with its uuid, later and later.',
      streams('a status is sent again with the same uuid and the newest state, later and later'),
    ),
    behaviour(
      72,
      'What an executor repeats is told once, until its end was acknowledged.',
      inFile(
        'unit/actors/agent/tasks',
        'what is told of containers that are not there or have ended is counted',
      ),
      notYet('executors of frameworks: the agent makes all statuses itself'),
    ),
    behaviour(
      73,
      'Of two ends of a task the first one counts.',
      streams('what the task machine does not allow is not reported'),
    ),
    behaviour(
      74,
      'An acknowledgement that comes by a master that does not lead is not obeyed.',
      streams(
        'an acknowledgement of an older subscription is refused, a higher one teaches nothing',
      ),
      otherTransport(
        'acknowledgements go to the agent itself; an older subscription is what is fenced',
      ),
    ),
  ],
}
