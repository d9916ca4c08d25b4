import diagnosticsChannel from 'node:diagnostics_channel'

/**
 * Subscribes to a channel of Node. What `onMessage` throws is ignored: Node would end the process with it,
 * because of a server of the user that is a mock, or an error that is frozen.
 */
export function subscribeSafely(channel: string, onMessage: (message: unknown) => void): void {
  diagnosticsChannel.subscribe(channel, (message) => {
    try {
      onMessage(message)
    } catch {}
  })
}
