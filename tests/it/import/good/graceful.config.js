module.exports = {
  apps: [
    {
      name: 'web', script: 'web.js', exec_mode: 'cluster', instances: 2,
      wait_ready: true, listen_timeout: 10000, kill_timeout: 5000, shutdown_with_message: true, treekill: false,
    },
    { name: 'job', script: 'job.js', wait_ready: true, listen_timeout: 10000, kill_timeout: 300000 },
  ],
};
