/** Dev servers in the same directory need separate build directories. */
export default { distDir: process.env.NEXT_DIST_DIR ?? '.next' }
