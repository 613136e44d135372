//! `eco` keeps the processes of one machine as a file in git says they should be.
//!
//! # Processes
//!
//! ```text
//! eco (any command) ──HTTP over a Unix socket──► controller ──seqpacket──► keeper ──► your apps
//!                                                 decides                  holds        │ stdout, stderr
//!                                                                          recorder ◄──┘ writes logs
//! ```
//!
//! All are this one program. The **keeper** is the parent of every app and the only one that
//! forks; it spawns, reaps, signals and *holds descriptors*, and never decides. The **recorder**,
//! its child, writes what apps print. The **controller**, its child too, reads files, plans and
//! converges; it may be killed or stopped at any instant, because its state is on disk and in the
//! keeper's records. The **command line** is a thin client that starts a keeper when none runs.
//!
//! # Layers
//!
//! An arrow means "may import"; `tests/it/architecture.rs` holds the code to it.
//!
//! ```text
//! main → cli → controller → { host, api, config, import, logs, reconcile } → model
//!        cli → { api, config, import, logs, render, reconcile, model }
//!        keeper, recorder → protocol;   host → { protocol, model };   render → { api, model }
//!        import → config;   logs → { host, api, config }
//! ```
//!
//! * [`model`]: the nouns. What an app should be (`AppSpec`), what all should be (`Desired`), what
//!   is known to be (`Observed`), what to do about it (`Plan`).
//! * [`reconcile`]: the verbs over them. `observe` folds an event in, `plan` compares desired with
//!   observed, `diff` says what an edit would change.
//! * [`config`]: YAML to apps, or every fault with its place in the text.
//! * [`import`]: files of PM2 and others, read as what they would say in our format.
//! * [`protocol`], [`keeper`], [`recorder`]: the small processes, on `std`, `rustix` and `libc`.
//! * [`host`]: the controller's door to the operating system: keeper, clock, store, file watching.
//! * [`controller`]: the one loop: next event → observe → plan → execute → sleep.
//! * [`logs`]: what the recorder wrote, read again: parts, times, merging, following.
//! * [`api`]: what the controller is asked and answers.
//! * [`render`]: all text a person reads, as pure functions.
//! * [`cli`]: one file per command; the only layer that prints and picks exit codes.
//!
//! # Invariants
//!
//! **`model` and `reconcile` read no clock, await nothing and cannot fail.** Time is a parameter,
//! effects are values. So a whole supervisor runs in virtual time in the tests.
//!
//! **The core is level-triggered.** No progress of a change is stored: what to do next follows from
//! what should be and what is. Killed at any point, a controller that knows the keeper's records
//! and its own journal goes on with the same plan.
//!
//! **Nobody is stopped for want of knowledge.** A project whose stored state cannot be read is
//! absent from `Desired`, and what is absent is left alone; to be stopped, an app has to be there
//! and marked as removed.
//!
//! **Never two runs of one instance, but while one takes the other's place.** A run lives until its
//! whole process group is gone, and no restart begins before that. Only a replacement with `max_surge`
//! starts beside its predecessor.
//!
//! **Nobody good is stopped for somebody unproven.** A run of a former revision goes on until enough
//! new ones were ready for `min_ready`; if one of those fails first, the change is undone and the
//! former runs were never touched. A canary is no stored step either: it is out while fewer new runs
//! than it has instances are good.
//!
//! **Nobody starts before what it depends on, nobody stops before what depends on it.** Only first
//! starts wait: what crashed is started again whatever its dependencies do. What the neighbours of an
//! app let it do is looked up before it is planned, and never stored.
//!
//! **A job that is due runs once.** Up to when a schedule was looked at, and that its job is asked to run,
//! is one line of the journal; that it ran is known by the number of its run, which is later.
//!
//! **An alert is told when it fires and when it is over, each once.** How it stands and who is still to be
//! told is on disk before a receiver is told; a receiver that fails or hangs holds up nobody.
//!
//! **Connections are kept away before open ones end, and those end before a signal.** The runs of one
//! revision since the same restart are a *cohort* and share listening sockets, which the keeper owns.
//! The plan steers new connections to other cohorts, then drains, then stops.
//!
//! **An exit is journalled before the keeper may forget it, a stop before it is sent.** So a
//! requested stop is never taken for a failure, whoever is killed in between.
//!
//! **Whoever dies, the apps do not notice.** What a keeper must not forget is in three places: run files
//! on disk, descriptors with the recorder, and memory that the recorder holds too. The next keeper takes
//! over what it can prove to be its own, by boot, pid, start time and user; a controller whose keeper is
//! dead starts the next one and ends.
//!
//! **`host` never decides; the keeper never blocks on the controller.** Its records are state and
//! not a queue: what changed while nobody listened is sent once somebody does.
//!
//! # Who is trusted
//!
//! **The user eco runs as, and root.** Directories of state, sockets and logs are 0700, files 0600; the
//! API asks the kernel who calls and answers nobody else. Whoever is that user can do what eco can:
//! there is nothing to gain by asking it.
//!
//! Events and history say who did what: the user by the kernel's word, the command and who became that
//! user by sudo by the caller's own, which proves nothing.
//!
//! **Not other users.** Root takes an ecosystem file only if it is root's and nobody else can write or
//! replace it. State left behind is believed only if it is this user's; a process is taken over or
//! signalled only if boot, pid, start time and user say that it is the run that was started.
//!
//! **Not the apps.** What an app says counts for itself alone: a readiness message only from a process
//! of the run (the kernel says who sent it), a `bind` only through the filter of the run that made it.
//! Names, paths, sizes and numbers of messages are bounded. An app cannot reach eco's descriptors: it
//! inherits 0 to 2 and the sockets it asked for. It *can* reach the API if it runs as eco's own user, as
//! that user's programs all can; give it a user of its own where that matters.
//!
//! **Whoever reaches the address of `metrics`** may read names, states and numbers there, and nothing
//! else. So it is one of this machine unless the file says `expose: true`.
//!
//! **Whoever opens a link of `eco dashboard`** may see there what `describe`, `logs` and `events` show, and
//! restart, scale and stop apps unless it is to look only. A link is 256 random bits, good once and for five
//! minutes, and only who can call the API gets one. A session is a cookie, which browsers send to every
//! port of the machine, and a key that only scripts of this very port can read; both are needed. Pages of
//! others are kept out by the name they call, their origin, and a policy that lets no script in but ours.
//! An address that other machines reach needs a certificate.
//!
//! **Secrets** are in an app's environment and, for following and boot, in state files of mode 0600.
//! Answers, events, logs of eco's own, errors and `Debug` output have them masked. A `{ file: … }` value
//! is read at the start and kept only as a digest by a key of the home's own, so that nobody can try
//! guesses against it. Not covered: what a program prints itself, swap, and root.
//!
//! **A PM2 file in JavaScript is a program.** Unless it is literals only, node runs it with the rights of
//! whoever applies or follows it, for 10 s at most. Root runs one only if nobody else may write it.
//!
//! The seccomp filter of shared ports is no sandbox: it hands sockets over and restrains nobody.

pub mod api;
pub mod cli;
pub mod config;
pub mod controller;
pub mod host;
pub mod import;
pub mod keeper;
pub mod logs;
pub mod model;
pub mod protocol;
pub mod reconcile;
pub mod recorder;
pub mod render;
