/* CommonJS by name */
module.exports = { apps: { name: 'only', script: 'only.cjs', node_args: ['--no-warnings'] } };
