export { heldIn } from '../support/lock-directory.ts'
