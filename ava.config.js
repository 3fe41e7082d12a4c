/**
 * Tests run compiled: `npm test` from `dist/`, side builds from `.build/NAME/`. What takes minutes
 * lives in `test/long/` and runs with BOURSE_LONG=1 only.
 */
const long = process.env.BOURSE_LONG === '1'

export default {
  files: [
    'dist/test/**/*.test.js',
    '.build/*/test/**/*.test.js',
    ...(long ? [] : ['!**/test/long/**']),
  ],
  concurrency: 2,
  timeout: long ? '15m' : '90s',
  workerThreads: false,
  utilizeParallelBuilds: false,
}
