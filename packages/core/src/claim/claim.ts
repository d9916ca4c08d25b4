/** A fixed port that this process has claimed. */
export interface Claim {
  readonly port: number
  release(leaked: boolean): Promise<void>
}
