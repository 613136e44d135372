/** @type {import('pm2').StartOptions} */
module.exports = {
  apps: [
    {
      name: 'shop web',
      script: './server.js', // the site
      instances: 'max',
      exec_mode: 'cluster',
      watch: false,
      max_memory_restart: '500M',
      kill_timeout: 5000,
      env: { NODE_ENV: 'development', PORT: 3000 },
      env_production: { NODE_ENV: 'production', PORT: 8080 },
      out_file: './logs/out.log',
      error_file: './logs/err.log',
      log_date_format: 'YYYY-MM-DD HH:mm:ss Z',
      merge_logs: true,
    },
  ],
  deploy: { production: { host: 'example.org', repo: 'x', ref: 'main', path: '/srv' } },
};
