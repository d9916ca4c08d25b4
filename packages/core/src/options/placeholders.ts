/** `{PORT}` and `{API_PORT}`, but not the `${PORT}` of a shell. */
const PLACEHOLDER = /(?<!\$)\{((?:[A-Z0-9_]+_)?PORT)\}/g

/**
 * Replaces `{PORT}`, `{API_PORT}` and so on by port numbers. Other braces stay as they are.
 *
 * @param ports by their variables
 * @param onUnknown returns the replacement of a placeholder that `ports` does not have
 */
export function replacePlaceholders(
  text: string,
  ports: Readonly<Record<string, string>>,
  onUnknown: (placeholder: string) => string,
): string {
  return text.replaceAll(PLACEHOLDER, (placeholder, variable: string) =>
    Object.hasOwn(ports, variable) ? (ports[variable] as string) : onUnknown(placeholder),
  )
}
