/** Loads the allocator on first use, so that workers without ports start sooner. */
export function loadCore() {
  return import('@portslice/core/internal')
}
