import { type SlowCommandOutput, slowCommandOutput } from './command-output.js'
import { type ListedProcess, parseProcesses } from './processes.ps.js'
import { windowsTool } from './tool.windows.js'

/** Without double quotes, which shells treat differently. Newer versions of Windows do not have `wmic`. */
const SCRIPT =
  "Get-CimInstance Win32_Process -Property ProcessId,ParentProcessId,CreationDate | ForEach-Object { '{0} {1} {2}' -f $_.ProcessId, $_.ParentProcessId, $(if ($_.CreationDate) { $_.CreationDate.ToFileTimeUtc() }) }"

/** `undefined` if there is no PowerShell, as in small containers. */
export async function listWithPowerShell(
  output: SlowCommandOutput = slowCommandOutput,
): Promise<ListedProcess[] | undefined> {
  const file = windowsTool('WindowsPowerShell\\v1.0\\powershell.exe')
  const text = await output(file, ['-NoProfile', '-NonInteractive', '-Command', SCRIPT])
  return parseProcesses(text, (start) => (/^\d+$/.test(start) ? start : ''))
}
