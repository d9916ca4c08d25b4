// Replaces retry in the bundled proper-lockfile, because portslice does not use its retries.
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
