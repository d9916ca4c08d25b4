export default {
  // The tests are ESM as they stand; see the script `test` in package.json.
  transform: {},
  maxWorkers: 3,
  globalSetup: './global-setup.js',
}
