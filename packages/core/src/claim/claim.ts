/** A port that is claimed. */
export interface Claim {
  readonly port: number
  /** @param leaked whether the app still listens on it */
  release(leaked: boolean): Promise<void>
}
