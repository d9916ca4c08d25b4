export const HELP = `portslice: runs any command with ports that no other process on this machine has

  portslice run -- npm start                          the port is in $PORT
  portslice run -- vite --port {PORT} --strictPort    or in the arguments
  portslice run --name web --name api -- make serve   $WEB_PORT and $API_PORT
  portslice run --write-env .env.ports -- make serve  also in a file, for tools that read one
  portslice claim 3000 -- npm start                   waits its turn for a fixed port
  portslice list                                      which process has which ports
  portslice why 20003                                 who has this port, and who had it

Commands
  run         runs a command with its own ports, until none of its processes uses them
  claim       runs a command on fixed ports, one run at a time
  list        shows which process has which ports
  why         shows who has a port, who had it and when
  map         draws the range of ports
  ui          shows runs, ports and the range on a page that updates itself
  doctor      checks whether portslice works on this machine, and suggests repairs
  clean       removes what dead processes left behind
  migrate     moves tests from get-port and similar packages to portslice
  completion  prints a script that completes commands and options in a shell

'portslice COMMAND --help' shows examples and options. '--version' prints the version.
`
