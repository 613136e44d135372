// Rewrites the path of the other servers to the one that Next has for it.
module.exports = {
  outputFileTracingRoot: __dirname,
  async rewrites() {
    return [{ source: '/later', destination: '/api/later' }];
  },
};
