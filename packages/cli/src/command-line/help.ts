/** What `portslice --help` prints: examples first, as they are what people look for. */
export const HELP = `portslice: ports that no other process on this machine has, for any command

  portslice run -- npm start                          the port is in $PORT
  portslice run -- vite --port {PORT} --strictPort    or in the arguments
  portslice run --name web --name api -- make serve   $WEB_PORT and $API_PORT
  portslice run --write-env .env.ports -- make serve  also in a file, for tools that read one
  portslice claim 3000 -- npm start                   waits its turn for a fixed port
  portslice list                                      who has which ports, and for what

Commands
  run      runs a command with ports of its own, until nothing that it started uses them
  claim    runs a command on fixed ports, one run at a time
  list     the slices of ports that are held, and the ports that are out
  map      the range of ports as a picture
  doctor   what portslice finds on this machine, and what to do about it
  clean    removes what dead processes left behind
  migrate  moves tests from get-port and the like to portslice

'portslice COMMAND --help' shows examples and options. '--version' prints the version.
`
