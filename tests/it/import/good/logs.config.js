module.exports = {
  apps: [
    { name: 'usual', script: 'a.js', out_file: './logs/a-out.log', error_file: './logs/a-err.log', log_date_format: 'YYYY-MM-DD HH:mm:ss Z' },
    { name: 'absolute', script: 'a.js', out_file: '/tmp/eco-import/out.log', merge_logs: true, time: true },
    { name: 'below', script: 'b.js', cwd: 'src', out_file: '../logs/b.log', error_file: 'NULL' },
    { name: 'nowhere', script: 'a.js', out_file: 'NULL', error_file: '/dev/null' },
    { name: 'disabled', script: 'a.js', disable_logs: true },
    { name: 'json', script: 'a.js', log_type: 'json', log_date_format: false },
    { name: 'combined', script: 'a.js', log_file: 'all.log' },
    { name: 'flags', script: 'a.js', log_file: true, time: false },
  ],
};
