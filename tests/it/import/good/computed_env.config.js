module.exports = {
  apps: [{
    name: process.env.APP_NAME || 'from-env',
    script: 'server.js',
    instances: parseInt(process.env.WORKERS ?? '3', 10),
    exec_mode: process.env.WORKERS > 1 ? 'cluster' : 'fork',
    env: { NODE_ENV: process.env.NODE_ENV || 'development', GREETING: `${process.env.GREETING}, world` },
  }],
};
