export interface Claim {
  readonly port: number
  release(leaked: boolean): Promise<void>
}
