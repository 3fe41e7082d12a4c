/** What a task in an image cannot ask for is said, not forgotten. */
import test from 'ava'
import { imageOf } from '../../../agent-runtime/containerizer/docker/request.ts'
import { aContainer } from '../../support/containers.ts'

const inImage = { ...aContainer(), container: { kind: 'docker', image: 'debian' } } as const

test('a task in an image that asks for rights of its own is refused by name', (t) => {
  const why =
    'a task in an image cannot ask for rlimits, capabilities or namespaces: it has its own'
  t.is(imageOf({ ...inImage, linux: { noNewPrivileges: true } }), why)
  t.is(imageOf({ ...inImage, rlimits: [{ type: 'core' }] }), why)
  t.is(imageOf({ ...inImage, rlimits: [] }), inImage.container)
})
