/** Ports in texts that people write: `{PORT}`, `{API_PORT}`. */

/** `${PORT}` is a shell's, which has it in its environment. */
const PLACEHOLDER = /(?<!\$)\{((?:[A-Z0-9_]+_)?PORT)\}/g

/**
 * Puts ports in the place of `{PORT}`, `{API_PORT}` and so on. Other braces stay as they are.
 *
 * @param text what somebody wrote
 * @param ports by their variables
 * @param otherwise gives what stands in the place of one that is none of these
 */
export function withPorts(
  text: string,
  ports: Readonly<Record<string, string>>,
  otherwise: (placeholder: string) => string,
): string {
  return text.replaceAll(PLACEHOLDER, (placeholder, variable: string) =>
    Object.hasOwn(ports, variable) ? (ports[variable] as string) : otherwise(placeholder),
  )
}
