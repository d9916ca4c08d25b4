/** A root hook plugin, which Mocha loads into each of its workers: every test has `this.port`. */
import { releasePort, takePort } from '@portslice/core'

export const mochaHooks = {
  async beforeEach() {
    this.currentTest.ctx.port = await takePort({ label: this.currentTest.fullTitle() })
  },
  async afterEach() {
    await releasePort(this.currentTest.ctx.port)
  },
}
