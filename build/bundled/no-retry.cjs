// Stands in for retry where proper-lockfile is bundled: portslice never asks it to try again.
module.exports.operation = () => {
  let error = null
  return {
    attempt: (run) => run(),
    retry: (failure) => {
      error = failure
      return false
    },
    mainError: () => error,
  }
}
