/** Programs in `shims/` that run before an actor and break something in its process. */
import { fileURLToPath } from 'node:url'

/** What has to be in the environment so that all Node processes have that shim. */
export function shimmed(name: string): NodeJS.ProcessEnv {
  const path = fileURLToPath(new URL(`./shims/${name}.js`, import.meta.url))
  return { NODE_OPTIONS: `--import=${path}` }
}
