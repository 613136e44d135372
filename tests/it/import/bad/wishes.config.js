module.exports = {
  apps: [{
    name: 'web', script: 'a.js',
    env_file: '.env', healthcheck: { url: '/' }, health_check: '/', depends_on: ['db'],
    max_log_file_size: '10M', log_max_size: '10M', rotate_logs: true, pre_start: 'npm run build',
  }],
};
