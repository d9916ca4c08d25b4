/** Loads the allocator when a port is asked for: workers that take none start sooner. */
export function loadCore() {
  return import('@portslice/core/internal')
}
