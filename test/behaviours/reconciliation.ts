/** What frameworks are answered when they ask about their tasks. */
import { behaviour, inFile, notYet, type Section } from './behaviour.ts'

const scenario = (...titles: readonly string[]) => inFile('scenario/reconciliation', ...titles)
const OPERATIONS = notYet('operations with a state of their own: reservations and volumes')

export const RECONCILIATION: Section = {
  title: 'Reconciliation',
  numbers: [61, 62, 64, 65, 66, 68, 69],
  behaviours: [
    behaviour(
      61,
      'Who asks for all is told of each known task, of ended ones until they are acknowledged.',
      scenario(
        'who asks for all is told of each task what its agent has told, of ended ones until they are forgotten',
      ),
    ),
    behaviour(
      62,
      'Who asks for one is told by what is known of its agent, or not yet.',
      scenario(
        'a task that is known is answered with its state, whatever agent is named',
        'while an agent that a new leader awaits is not back there is no answer; then there is',
        'a task that its registered agent does not have is gone',
        'tasks of an unreachable agent are unreachable since then, those that nobody knows too',
        'tasks of an agent that an operator gave up are over, those that nobody knows too',
        'a task of which nobody knows the agent is unknown',
      ),
    ),
    behaviour(
      64,
      'A launch that was lost is dropped when its agent registers anew.',
      scenario(
        'a launch that was lost on its way to the agent is told as dropped, and its resources are free',
      ),
    ),
    behaviour(
      65,
      'A launch that crosses a registration is not dropped and run as well.',
      scenario(
        'an agent that registers anew while a task is on its way to it either runs it or never will',
      ),
    ),
    behaviour(
      66,
      'What an agent has to tell when it registers anew is not declared lost.',
      scenario(
        'what an agent tells when it registers anew is not declared lost: tasks that run, and ends',
      ),
    ),
    behaviour(68, 'An operation that was lost is told as dropped.', [], OPERATIONS),
    behaviour(69, 'Who asks for operations is told by what is known of the agent.', [], OPERATIONS),
  ],
}
