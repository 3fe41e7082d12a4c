/** Who belongs to the cluster: agents that fall silent, come back, leave, or are given up. */
import { behaviour, different, inFile, type Section } from './behaviour.ts'

const absences = (...titles: readonly string[]) => inFile('scenario/absences', ...titles)
const unit = (file: string, ...titles: readonly string[]) =>
  inFile(`unit/actors/master/${file}`, ...titles)

export const AGENTS: Section = {
  title: 'Agents and partitions',
  numbers: [34, 36, 37, 38, 40, 41, 42, 44, 45, 46, 48, 49, 50, 52],
  behaviours: [
    behaviour(
      34,
      'An agent that answers no ping is unreachable, its tasks are too, and it is not offered.',
      absences(
        'an agent that nobody hears is lost: frameworks hear of it and of its tasks, and it is not offered',
      ),
    ),
    behaviour(
      36,
      'So is one that was cut off while the leader changed; when it is back its tasks run on.',
      absences(
        'an agent that is cut off while the leader dies is lost to the next one, and found again',
      ),
    ),
    behaviour(
      37,
      'Tasks of a framework that ended meanwhile are killed when their agent is back.',
      inFile('scenario/frameworks', 'who was torn down is refused, and its tasks are killed'),
    ),
    behaviour(
      38,
      'A task that never arrived at its agent is over when that is back.',
      absences('a launch that was lost is over when its agent returns from being unreachable'),
    ),
    behaviour(
      40,
      'A task that ended meanwhile has its true end when its agent is back.',
      absences('a task that ended while its agent was unreachable is told with its true end'),
    ),
    behaviour(
      41,
      'An agent that registers anew for no reason loses nothing, and nobody is told.',
      absences(
        'an agent that registers anew for no reason changes nothing: nothing is killed, nothing told',
      ),
    ),
    behaviour(42, 'What an agent says that does not belong to the cluster any more is not heard.', [
      ...unit(
        'gone',
        'what a gone agent says in its old session is not heard: it is asked for another',
      ),
      ...unit('statuses', 'a status outside of a session is passed over'),
    ]),
    behaviour(
      44,
      'While its loss is being written an agent is not lost a second time.',
      unit(
        'losing',
        'an agent is written down as unreachable once, however long the registry takes',
      ),
    ),
    behaviour(45, 'Of a loss, a leave and an operator who gives it up, in any order, one counts.', [
      ...unit('leaving', 'an agent that was given up while it left is not lost as well'),
      ...unit(
        'gone',
        'an agent that is lost, or leaves, while it is given up is gone all the same',
      ),
    ]),
    behaviour(
      46,
      'An agent that hears no pings any more registers by itself.',
      inFile(
        'unit/actors/agent/session',
        'silence of the leader for all pings opens a new session, pings prevent it',
      ),
    ),
    behaviour(48, 'An agent that answers pings and never registers is lost all the same.', [
      ...inFile(
        'scenario/reconciliation',
        'an agent that does not come back to a new leader is unreachable, of which only who asks hears',
      ),
      ...unit('agents', 'an agent that opens and never says its pages is forgotten, not lost'),
    ]),
    behaviour(
      49,
      'An agent that registers while its loss is being written is admitted again.',
      unit(
        'agents',
        'who answers while its loss is being written is not lost, and the registry hears it',
      ),
      different('0023', 'it need not wait: the registry is told behind the loss that it is there'),
    ),
    behaviour(
      50,
      'Lost agents are forgotten by age and by number, and one that comes back meanwhile is not.',
      unit(
        'gone',
        'unreachable and gone agents are forgotten after two weeks, and only then',
        'of too many gone agents the oldest are forgotten',
        'an agent that comes back while it is being forgotten is admitted anew',
      ),
    ),
    behaviour(
      52,
      'An agent that an operator gives up takes its tasks with it, and may not come back.',
      [
        ...inFile(
          'scenario/reconciliation',
          'tasks of an agent that an operator gave up are over, those that nobody knows too',
        ),
        ...inFile(
          'scenario/partitions',
          'an agent that was given up while it was away is refused when it is back, and ends its tasks',
          'an agent that is there when it is given up ends its tasks at once',
        ),
      ],
    ),
  ],
}
