export { COMMAND, portslice } from '../support/command.ts'
export { temporaryFolder } from '../support/until-test-ends.ts'
