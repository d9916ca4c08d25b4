import diagnosticsChannel from 'node:diagnostics_channel'

/** Subscribes to a channel of Node. Ignores errors, with which Node would end the process. */
export function subscribeSafely(channel: string, onMessage: (message: unknown) => void): void {
  diagnosticsChannel.subscribe(channel, (message) => {
    try {
      onMessage(message)
    } catch {}
  })
}
