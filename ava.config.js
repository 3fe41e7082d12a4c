/**
 * Tests run compiled: from the build that `npm test` names, or any other. What takes minutes lives
 * in `test/long/` and runs with BOURSE_LONG=1 only; what must be alone on the machine lives in
 * `test/alone/` and runs with BOURSE_ALONE=1, which `npm run test:all` sets at its end.
 */
const long = process.env.BOURSE_LONG === '1'
const alone = process.env.BOURSE_ALONE === '1'

/** Files that wait for processes first, the longest before all: none runs alone at the end. */
const rank = (path) => {
  if (/\/test\/(sim\/|system\/(chaos|demo|dev|faults|run)\.)/.test(path)) return 0
  return /\/test\/(system|long)\//.test(path) ? 1 : 2
}

export default {
  files: [
    'dist/test/**/*.test.js',
    '.build/*/test/**/*.test.js',
    ...(long ? [] : ['!**/test/long/**']),
    ...(alone ? [] : ['!**/test/alone/**']),
  ],
  sortTestFiles: (a, b) => rank(a) - rank(b),
  // Much of it waits: for leases, pings and processes that start.
  concurrency: 3,
  // Longer than any test asks for (`t.timeout`). AVA looks once when all are silent; if a test still
  // has time then, it never looks again, and a file that does not end is waited for without end.
  timeout: long ? '2h' : '20m',
  workerThreads: false,
  utilizeParallelBuilds: false,
}
