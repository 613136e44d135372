module.exports = {
  apps: [
    {
      name: 'dollars', script: 'pay.js', args: ['$HOME', '${HOME}', '$$'],
      env: { URL: 'postgres://${DB_USER}@db/x', PRICE: '5$', SHELL_LIKE: '$PATH', BOTH: '$${A}' },
      out_file: './log$s/out.log',
    },
  ],
};
