/** How tasks are, by what their checks say. */
import { behaviour, inFile, type Section } from './behaviour.ts'

const checks = (...titles: readonly string[]) =>
  inFile('unit/actors/agent/checks/checks', ...titles)
const rules = (...titles: readonly string[]) => inFile('unit/actors/agent/checks/rules', ...titles)

export const HEALTH: Section = {
  title: 'Health',
  numbers: [121, 122],
  behaviours: [
    behaviour(
      121,
      'A task whose health checks fail so often in a row is killed; before the first success not in grace.',
      [
        ...checks(
          'health: the third failure in a row is told, and the task is killed with its grace',
          'health: failures in grace are not told; the task lives',
        ),
        ...rules('health: after a success they count within grace too'),
      ],
    ),
    behaviour(122, 'Health that comes and goes is told with each change, whatever is asked.', [
      ...rules('health: a success between them begins the count anew'),
      ...inFile(
        'system/checks',
        'an HTTP check tells the status, follows no redirect and waits for no body',
        'a TCP check tells whether the connection comes about',
      ),
    ]),
  ],
}
