// A file for PM2, taken as it is.
//
//   eco apply                          all of it; a second time does nothing
//   eco apply --env production         with what `env_production` has
//   eco diff                           after an edit: what would change
//   eco import ecosystem.config.js     the same as an ecosystem.yaml
module.exports = {
  apps: [
    {
      name: 'site',
      script: './site.js',
      instances: 2,
      exec_mode: 'cluster', // both serve the port
      env: { NODE_ENV: 'development', PORT: process.env.SITE_PORT || 3000 },
      env_production: { NODE_ENV: 'production' },
      wait_ready: true, // process.send('ready')
      shutdown_with_message: true, // process.on('message', …)
      kill_timeout: 5000,
      max_memory_restart: '300M',
      out_file: './logs/site.log',
      error_file: './logs/site.log',
    },
    {
      name: 'mailer',
      script: './mailer.py',
      interpreter: 'python3',
      args: '--queue outbox',
      restart_delay: 2000,
      max_restarts: 10,
    },
  ],
};
