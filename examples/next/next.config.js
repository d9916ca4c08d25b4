/** Dev servers that run side by side in one directory each need one of their own for what they build. */
export default { distDir: process.env.NEXT_DIST_DIR ?? '.next' }
