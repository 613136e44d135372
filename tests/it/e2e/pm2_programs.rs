//! One PM2 file with the programs that people run: Express in cluster mode, a Next application by
//! `npm start`, a Python worker, a loop of a shell, and a report that cron starts.

use std::{fs, os::unix::fs::symlink};

use crate::harness::{TestEnv, free_port, http_get, installed, program, repository};

const FILE: &str = "module.exports = {
  apps: [
    {
      name: 'site',
      script: './server.js',
      instances: 2,
      exec_mode: 'cluster',
      env: { PORT: SITE_PORT, VERSION: 'one' },
    },
    {
      name: 'shop',
      cwd: './shop',
      script: 'npm',
      args: 'start',
      env: { PORT: SHOP_PORT, VERSION: 'one', NEXT_TELEMETRY_DISABLED: 1 },
    },
    { name: 'mailer', script: './mailer.py', interpreter: 'python3', args: ['--queue', 'out'] },
    { name: 'loop', script: './loop.sh', restart_delay: 100, env: { EVERY: '0.05' } },
    { name: 'report', script: './report.sh', autorestart: false, cron_restart: '* * * * * *' },
  ],
};
";

fn written(site: u16, shop: u16) -> String {
    FILE.replace("SITE_PORT", &site.to_string()).replace("SHOP_PORT", &shop.to_string())
}

fn world() -> TestEnv {
    for name in ["node", "npm", "python3", "bash"] {
        program(name);
    }
    installed("tests/apps/next/.next/BUILD_ID");
    let env = TestEnv::new();
    symlink(installed("tests/apps/express/node_modules"), env.path("node_modules")).unwrap();
    fs::copy(repository("tests/apps/express/server.js"), env.path("server.js")).unwrap();
    symlink(repository("tests/apps/next"), env.path("shop")).unwrap();
    let worker =
        "import sys, time\nprint('sending', *sys.argv[1:], flush=True)\ntime.sleep(100000)\n";
    env.write("mailer.py", worker);
    env.write("loop.sh", "while :; do echo turn; sleep $EVERY; done\n");
    env.write("report.sh", "echo 'a report'\n");
    env
}

#[test]
fn the_programs_of_an_unmodified_file_run_and_change() {
    let (env, site, shop) = (world(), free_port(), free_port());
    env.write("ecosystem.config.js", &written(site, shop));
    env.apply();
    assert_eq!(http_get(site, "/").as_deref(), Some("one"));
    env.wait_for("Next", || http_get(shop, "/later").as_deref() == Some("one"));
    env.wait_for("the worker", || env.log("mailer").contains("sending --queue out\n"));
    env.wait_for("the loop", || env.log("loop").matches("turn\n").count() > 1);
    // It has ended, and is started again by cron alone.
    env.wait_for("the report", || env.log("report").matches("a report\n").count() > 1);

    env.write("ecosystem.config.js", &written(site, shop).replace("'one'", "'two'"));
    env.eco(&["diff"]).exits(1).says("env.VERSION");
    let (mailer, mut apply) = (env.pid("mailer"), env.call(&["apply"]).spawn());
    while !apply.has_ended() {
        let answer = http_get(site, "/").expect("nobody is refused");
        assert!(["one", "two"].contains(&answer.as_str()), "{answer}");
    }
    apply.wait().ok();
    assert_eq!(http_get(site, "/").as_deref(), Some("two"));
    env.wait_for("Next", || http_get(shop, "/later").as_deref() == Some("two"));
    assert_eq!(env.pid("mailer"), mailer);

    env.eco(&["import", "ecosystem.config.js", "-o", "ecosystem.yaml"]).ok();
    env.eco(&["diff", "ecosystem.yaml"]).ok();
    env.eco(&["down"]).ok();
    assert_eq!(http_get(site, "/"), None);
    assert_eq!(http_get(shop, "/later"), None, "npm's child is gone, too");
}
