module.exports = {
  apps: [
    {
      name: 'shop', script: 'dist/main.js', instances: 0, exec_mode: 'cluster',
      env_production: { NODE_ENV: 'production' },
    },
  ],
  deploy: {
    production: {
      user: 'node', host: ['10.0.0.1', '10.0.0.2'], port: '22', ref: 'origin/main',
      repo: 'git@example.org:shop.git', path: '/srv/shop', ssh_options: ['StrictHostKeyChecking=no'],
      'pre-setup': 'mkdir -p /srv', 'post-setup': 'ls -la',
      'pre-deploy-local': "echo 'off it goes'",
      'post-deploy': 'npm ci && pm2 reload ecosystem.config.js --env production',
      env: { NODE_ENV: 'production' },
    },
    staging: { user: 'node', host: 'localhost', ref: 'origin/dev', repo: 'x', path: '/srv/dev', fetch: 'fast' },
  },
}
