export default {
  // The tests are ES modules; see the script `test` in package.json.
  transform: {},
  maxWorkers: 3,
  globalSetup: './global-setup.js',
}
