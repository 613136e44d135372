const common = { cwd: __dirname, max_restarts: 10, env: { NODE_ENV: 'production' } };
const app = (name, more = {}) => ({ ...common, name, script: `./workers/${name}.js`, ...more });
module.exports = { apps: ['mail', 'thumbs'].map((name) => app(name)).concat(app('web', { instances: 2 })) };
