module.exports = {
  app: [{ name: 'typo', script: 'a.js' }],
  apps: [{ name: 'web', script: 'a.js', deploy: {}, apps: [] }],
  env: { NODE_ENV: 'production' },
  max_restarts: 10,
  min_uptime: '5s',
};
