module.exports = {
  apps: [
    { name: 'a', script: 'a.js', interpreter: '', cwd: '', args: '', node_args: [], env: {}, namespace: 'default' },
    { name: 'b', script: 'b.js', interpreter: null, cwd: undefined, args: null, env: undefined, watch: undefined },
    { name: 'c', script: 'c.js', env: { GONE: undefined, NULL: null, EMPTY: '', FALSE: false, ZERO: 0 }, cron_restart: '' },
  ],
}
