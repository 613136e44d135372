//! Who an app's processes run as and what they may use; and whether whoever runs eco may ask for it.

use super::Context;
use crate::{
    config::{
        accounts::Accounts,
        fault::Problem,
        field::{At, Field},
        scalar::AccountText,
        suggest::quoted,
        written::App,
    },
    model::{Account, Caller, LimitPolicy, ProcessPolicy},
};

/// The keys of an app that say so.
pub(super) fn resolve(context: &Context<'_>, app: &App) -> ProcessPolicy {
    // With the text alone nothing is known of the machine.
    if let Some(accounts) = context.accounts {
        check(context, app, accounts);
    }
    let written = app.limits.get().cloned().unwrap_or_default();
    let text = |field: &Field<AccountText>| field.get().map(|text| text.0.clone());
    ProcessPolicy {
        user: text(&app.user),
        group: text(&app.group),
        umask: app.umask.get().map(|mask| mask.0),
        nice: app.nice.get().map(|nice| nice.0),
        oom_score_adj: app.oom_score_adj.get().map(|score| score.0),
        limits: LimitPolicy {
            memory: written.memory.get().map(|size| size.0),
            cpu: written.cpu.get().map(|cpu| cpu.0),
            processes: written.processes.get().map(|count| count.0),
            nofile: written.nofile.get().map(|count| count.0),
            core: written.core.get().map(|bound| bound.0),
            file_size: written.file_size.get().map(|bound| bound.0),
            stack: written.stack.get().map(|bound| bound.0),
            locked_memory: written.locked_memory.get().map(|bound| bound.0),
        },
    }
}

fn check(context: &Context<'_>, app: &App, accounts: &dyn Accounts) {
    let caller = accounts.caller();
    if let Some((text, at)) = app.user.get_at() {
        match accounts.user(&text.0) {
            Some(account) => check_user(context, app, (&account, at), &caller),
            None => context.push(unknown("user", &text.0, at)),
        }
    }
    if let Some((text, at)) = app.group.get_at() {
        match accounts.group(&text.0) {
            None => context.push(unknown("group", &text.0, at)),
            Some(gid) if caller.uid != 0 && gid != caller.gid => {
                context.push(not_allowed("become another group", at));
            }
            Some(_) => {}
        }
    }
    if caller.uid == 0 {
        return;
    }
    if let Some((nice, at)) = app.nice.get_at()
        && nice.0 < caller.nice
    {
        let problem = not_allowed("lower its nice value", at);
        context
            .push(problem.help(format!("eco runs at {}; a higher one is possible", caller.nice)));
    }
    if let Some((score, at)) = app.oom_score_adj.get_at()
        && score.0 < caller.oom_score_adj
    {
        let problem = not_allowed("lower its OOM score", at);
        let help = format!("eco runs at {}; a higher one is possible", caller.oom_score_adj);
        context.push(problem.help(help));
    }
}

fn check_user(context: &Context<'_>, app: &App, (account, at): (&Account, At), caller: &Caller) {
    if caller.uid != 0 && account.uid != caller.uid {
        context.push(not_allowed("become another user", at));
    } else if account.gid.is_none() && app.group.is_unset() {
        let message = format!("the user {} has no entry, so its group is not known", account.uid);
        let problem = Problem::new("value", message, at.value, "which group?");
        context.push(problem.help("write `group:` too, by name or number"));
    }
}

fn unknown(kind: &str, text: &str, at: At) -> Problem {
    let message = format!("this machine has no {kind} {}", quoted(text));
    let problem = Problem::new("not_found", message, at.value, format!("no such {kind}"));
    let way = if kind == "user" { "useradd --system" } else { "groupadd --system" };
    problem.help(format!("make it, for instance by `{way} {text}`, or name another"))
}

fn not_allowed(what: &str, at: At) -> Problem {
    let message = format!("only root may have an app {what}, and eco runs as another user");
    let problem = Problem::new("not_allowed", message, at.value, "needs root");
    problem.help("run eco as root, or leave this key out")
}
