module.exports = {
  apps: [
    {
      name: 'api', script: 'api.js',
      env: { NODE_ENV: 'development', DEBUG: true, RATE: 1.50, LIMITS: { a: 1 } },
      env_staging: { NODE_ENV: 'staging', DEBUG: false },
      env_production: { NODE_ENV: 'production', DEBUG: null, LIMITS: { a: 2, b: [3] } },
    },
    { name: 'cron', script: 'cron.js', env_production: { NODE_ENV: 'production' } },
    { name: 'plain', script: 'plain.js' },
  ],
};
