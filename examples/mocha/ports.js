/** A root hook plugin: Mocha loads it in each worker, so every test has `this.port`. */
import { releasePort, takePort } from '@portslice/core'

export const mochaHooks = {
  async beforeEach() {
    this.currentTest.ctx.port = await takePort({ label: this.currentTest.fullTitle() })
  },
  async afterEach() {
    await releasePort(this.currentTest.ctx.port)
  },
}
