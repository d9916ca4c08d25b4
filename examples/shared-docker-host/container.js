// Runs a container whose port 80 is published on the Docker host. Ends when it is stopped.
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:http'

const [, , port] = process.argv
const host = process.env.PORTSLICE_HOST

if (spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0) {
  const command = ['run', '--rm', '--init', '-p', `${port}:80`, 'nginx:alpine']
  const docker = spawn('docker', command, { stdio: 'inherit' })
  // `docker run` passes the signal on to the container.
  process.on('SIGTERM', () => docker.kill('SIGTERM'))
  docker.on('exit', (status) => process.exit(status ?? 1))
} else {
  createServer((_, response) => response.end(`a stand-in on port ${port}`)).listen(port, host)
}
