module.exports = {
  apps: [
    { name: 'gateway', script: 'src/gateway.js', instances: 'max', exec_mode: 'cluster', env: { PORT: 8080 } },
    { name: 'auth', script: 'src/auth.js', cwd: '.', env: { PORT: 8081, TOKEN: 'do not print me' } },
    { name: 'users', script: 'npm', args: 'run start -w users', env: { PORT: 8082 } },
    { name: 'mailer', script: 'workers/mailer.py', interpreter: 'python3', env: { PYTHONUNBUFFERED: '1' } },
    { name: 'search', script: './bin/search', args: '--index /var/lib/search', max_memory_restart: '2G' },
    { name: 'cleanup', script: 'cleanup.sh', cron_restart: '*/20 * * * *', autorestart: false },
    { name: 'admin', script: 'serve -s views', env: { PM2_SERVE_PORT: 8090 } },
  ],
};
