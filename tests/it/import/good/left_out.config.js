module.exports = {
  apps: [{
    name: 'everything-else', script: 'main.js', force: true, username: 'deploy', kill_retry_time: 100,
    vizion: false, post_update: ['npm install', 'echo updated'], pmx: false, trace: true, disable_trace: false,
    v8: true, event_loop_inspector: true, deep_monitoring: true, io: { tracing: true, metrics: { http: true } },
    windowsHide: true, install_url: 'npm', write: true, disable_source_map_support: true,
    watch: true, watch_delay: 500, watch_options: { followSymlinks: false, usePolling: true },
    pid_file: '/tmp/main.pid', merge_logs: true, append_env_to_name: false,
  }],
};
