/**
 * Tests run compiled: from the build that `npm test` names, or any other. What takes minutes lives
 * in `test/long/` and runs with BOURSE_LONG=1 only.
 */
const long = process.env.BOURSE_LONG === '1'

/** Files that wait for processes first, so that they do not run alone at the end. */
const rank = (path) => (/\/test\/(system|long)\//.test(path) ? 0 : 1)

export default {
  files: [
    'dist/test/**/*.test.js',
    '.build/*/test/**/*.test.js',
    ...(long ? [] : ['!**/test/long/**']),
  ],
  sortTestFiles: (a, b) => rank(a) - rank(b),
  concurrency: 2,
  timeout: long ? '15m' : '90s',
  workerThreads: false,
  utilizeParallelBuilds: false,
}
