module.exports = {
  apps: [
    { name: 'all', script: 'a.js', watch: true },
    { name: 'dot', script: 'a.js', watch: '.' },
    { name: 'one', script: 'a.js', watch: 'src', ignore_watch: 'src/tmp' },
    { name: 'list', script: 'a.js', watch: ['src', './views', ''], ignore_watch: ['[\\/\\\\]\\./', 'node_modules', './src/x'] },
    { name: 'below', script: '../a.js', cwd: 'src', watch: ['.'], ignore_watch: ['gen/*.js'] },
    { name: 'off', script: 'a.js', watch: false, ignore_watch: ['logs'] },
  ],
}
