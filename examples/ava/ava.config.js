export default { files: ['tests/*.js'], concurrency: 3 }
